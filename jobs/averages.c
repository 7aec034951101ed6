#include "averages.h"

#include <stdlib.h>

int averages_find(const averages *a, int variant) {
    for (int i = 0; i < a->n; i++)
        if (a->variant[i] == variant)
            return i;
    return -1;
}

int averages_in(const averages *a, int i) {
    return i >= 0 && !a->s[i].contrast;
}

void averages_free(averages *a) {
    exam_close(&a->exam);
    barriers_free(&a->barriers, a->pairs);
    free(a->s);
    free(a->variant);
    free(a->index);
    free(a->probe);
    free(a->order);
    free(a->decisions);
    free(a->members);
    free(a->loss);
    free(a->shares);
    *a = (averages){0};
}
