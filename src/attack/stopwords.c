#include "attack/stopwords.h"

#include "io/lines.h"

#include <string.h>

/* closed-class words of English, by class: they carry grammar, not sentiment */
static const char *const BUILT_IN[] = {
    "a an the this that these those each every either neither some any all both few many much more "
    "most "
    "several such another other others own same one ones",
    "i me my mine myself you your yours yourself yourselves he him his himself she her hers "
    "herself it "
    "its itself we us our ours ourselves they them their theirs themselves who whom whose which "
    "what "
    "whoever whatever someone somebody something anyone anybody anything everyone everybody "
    "everything "
    "noone nobody nothing none",
    "am is are was were be been being do does did doing done have has had having will would shall "
    "should "
    "can could may might must ought ca wo sha",
    "n't 's 't 'm 're 've 'll 'd s t m re ve ll d don doesn didn isn aren wasn weren hasn haven "
    "hadn won "
    "wouldn shouldn couldn mustn needn ain",
    "about above across after against along alongside amid among amongst around as at before "
    "behind below "
    "beneath beside besides between beyond by despite down during except for from in inside into "
    "near "
    "of off on onto out outside over per since through throughout till to toward towards under "
    "underneath "
    "until unto up upon via with within without",
    "and but or nor so yet if because while whereas although though unless whether than then else",
    "no not never hardly when where why how here there now once again also too just only very "
    "quite rather "
    "even still already ever thus hence therefore however moreover otherwise meanwhile indeed",
};

static err add_all(dictionary *d, const char *p) {
    int32_t number;
    int fresh;
    while (*p) {
        size_t n = strcspn(p, " ");
        CALL(dictionary_add(d, p, n, &number, &fresh));
        p += n;
        p += *p == ' ';
    }
    return OK;
}

static err add_file(dictionary *d, const char *path) {
    lines in;
    int32_t number;
    int fresh;
    CALL(lines_read(path, &in));
    err e = OK;
    for (int i = 0; e == OK && i < in.n; i++)
        if (in.line[i][0])
            e = dictionary_add(d, in.line[i], strlen(in.line[i]), &number, &fresh);
    lines_free(&in);
    return e;
}

err stopwords_open(const char *path, dictionary **out) {
    dictionary *d = NULL;
    err e;
    TRY(dictionary_create(&d));
    if (path[0])
        TRY(add_file(d, path));
    for (size_t i = 0; !path[0] && i < sizeof BUILT_IN / sizeof *BUILT_IN; i++)
        TRY(add_all(d, BUILT_IN[i]));
    *out = d;
    d = NULL;
done:
    dictionary_destroy(&d);
    return e;
}
