/* accuracy: shared by any number of ranks it is what one rank finds, and what a naive count finds.
 */
#include "eval/accuracy.h"
#include "mpi/agree.h"
#include "toy.h"

#include <math.h>

static par *world;

/* one sequence at a time, probabilities by encoder_softmax */
static accuracy naive(const encoder *m, const examples *x) {
    accuracy a = {.n = x->n};
    encoder_ws *ws;
    packer *pack;
    ck_ok(encoder_ws_create(&m->c, &ws));
    ck_ok(packer_create(x, 1, &pack));
    for (int32_t i = 0; i < x->n; i++) {
        batch b;
        const float *logits;
        double p[2];
        ck_ok(packer_pack(pack, &i, 1, &b));
        ck_ok(encoder_classify(ws, m, &b, NULL, &logits));
        encoder_softmax(p, logits, 1, 2);
        a.correct += (p[1] > p[0]) == x->label[i];
        a.loss -= log(p[x->label[i]]) / x->n;
    }
    encoder_ws_destroy(&ws);
    packer_destroy(&pack);
    return a;
}

START_TEST(shared_is_local) {
    static const int SIZES[] = {1, 63, 64, 65, 200, 333};
    encoder *m = toy_encoder(2, 0, 3);
    for (size_t i = 0; i < m->n; i++)
        m->block[i] *= 4; /* far from chance, so that losses differ between examples */
    for (size_t s = 0; s < sizeof SIZES / sizeof *SIZES; s++) {
        examples x = toy_examples(SIZES[s], 9);
        accuracy local, shared, slow = naive(m, &x);
        ck_all_ok(world, accuracy_local(m, &x, &local));
        ck_all_ok(world, accuracy_shared(world, m, &x, &shared));
        ck_all(world, shared.n == SIZES[s] && local.n == SIZES[s]);
        ck_all(world, shared.correct == local.correct && shared.correct == slow.correct);
        ck_all(world, memcmp(&shared.loss, &local.loss, sizeof local.loss) == 0);
        /* float32 logits of batches of another shape: 1e-5 relative is 100 roundings */
        ck_all(world, fabs(shared.loss - slow.loss) < 1e-5 * slow.loss);
        examples_free(&x);
    }
    encoder_destroy(&m);
}
END_TEST

START_TEST(bad_models_and_data) {
    encoder *m = toy_encoder(2, 0, 3);
    examples x = toy_examples(70, 9);
    accuracy a;
    m->p.class_b[1] = NAN;
    ck_all_ok(world, accuracy_shared(world, m, &x, &a));
    ck_all(world, a.correct == 0 && isnan(a.loss));
    x.label[69] = 2;
    ck_all(world, accuracy_shared(world, m, &x, &a) == ERR_DATA);
    ck_all(world, strstr(err_message(), "example 69 has label 2") != NULL);
    examples_free(&x);
    encoder_destroy(&m);
}
END_TEST

int main(int argc, char **argv) {
    if (par_open(&argc, &argv, &world) != OK)
        return 1;
    TCase *t = tcase_create("accuracy");
    tcase_add_test(t, shared_is_local);
    tcase_add_test(t, bad_models_and_data);
    return agree_run("accuracy", t, &world);
}
