/* the attack job: the stage of a study, or what is read out of a finished one */
#include "attack_modes.h"
#include "job.h"

#include "attack/recipe.h"

#include <string.h>

err job_attack(const par *p, int argc, char **argv) {
    strbuf doc = {0};
    err e;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--rescore") == 0)
            return attack_rescore(p, argc, argv);
        if (strcmp(argv[i], "--show") == 0)
            return attack_show(p, argc, argv);
    }
    TRY(strbuf_printf(
        &doc, "Attack every model of the table; examples are handed out one by one.\n\n"
              "attack --rescore STUDY: Aua within narrower limits, from recorded queries.\n"
              "attack --show STUDY: adversarial examples, as text or TSV.\v"
              "Recipes (attack.recipe); their thresholds are options, left at their defaults the "
              "recipe's own:\n"));
    TRY(recipe_list(&doc));
    e = context_job(p, argc, argv, doc.text, stage_attack);
done:
    strbuf_free(&doc);
    return e;
}
