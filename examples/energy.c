/* Two sides of one boundary; embed_c.py compiles this with
 *
 *     cc -O2 -shared -fPIC energy.c -o energy.so -lm
 *
 * `wells` is an objective written in C.  `descend` is a C program's own optimizer: it takes the
 * addresses of functions that saddlecore has compiled from Python.
 */
#include <stdint.h>
#include <stdlib.h>

/* What scipy.LowLevelCallable knows as "double (int, double *, void *)".  The data are one number,
 * the height of the wells. */
double wells(int n, double *x, void *data)
{
    double height = *(double *)data, sum = 0.0;
    for (int i = 0; i < n; i++) {
        double d = x[i] * x[i] - 1.0;
        sum += height * d * d + 0.1 * x[i];
    }
    return sum;
}

/* The engine's C interface, a "form": it reads n numbers and writes its result to out.  One that
 * fails writes NaN. */
typedef void (*form)(const double *x, int64_t n, double *out, int64_t data);

/* Gradient descent with a step halved until the value falls.  Returns the number of steps, or -1
 * if there is no memory. */
int64_t descend(form value, int64_t value_data, form gradient, int64_t gradient_data,
                int64_t n, double *x, double step, int64_t most)
{
    double *g = malloc(2 * n * sizeof(double)), f, trial_f;
    if (!g)
        return -1;
    double *trial = g + n;
    int64_t k = 0;
    value(x, n, &f, value_data);
    for (; k < most; k++) {
        gradient(x, n, g, gradient_data);
        for (int64_t i = 0; i < n; i++)
            trial[i] = x[i] - step * g[i];
        value(trial, n, &trial_f, value_data);
        if (trial_f < f) {
            for (int64_t i = 0; i < n; i++)
                x[i] = trial[i];
            f = trial_f;
            step *= 1.5;
        } else if ((step *= 0.5) < 1e-12) {
            break;
        }
    }
    free(g);
    return k;
}
