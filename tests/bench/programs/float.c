/* Double-precision arithmetic: bodies that attract each other. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct body { double x, y, z, vx, vy, vz, mass; };

static struct body bodies[5] = {
    {0, 0, 0, 0, 0, 0, 39.47},
    {4.84, -1.16, -0.10, 0.606, 2.811, -0.025, 0.037},
    {8.34, 4.12, -0.40, -1.010, 1.818, 0.008, 0.011},
    {12.89, -15.11, -0.22, 1.082, 0.868, -0.010, 0.0017},
    {15.37, -25.91, 0.17, 0.979, 0.594, -0.034, 0.0020},
};

int main(int argc, char** argv) {
    const long steps = argc > 1 ? atol(argv[1]) : 300000;
    for (long s = 0; s < steps; ++s) {
        for (int i = 0; i < 5; ++i) {
            for (int j = i + 1; j < 5; ++j) {
                const double dx = bodies[i].x - bodies[j].x, dy = bodies[i].y - bodies[j].y, dz = bodies[i].z - bodies[j].z;
                const double d2 = dx * dx + dy * dy + dz * dz;
                const double mag = 0.001 / (d2 * sqrt(d2));
                bodies[i].vx -= dx * bodies[j].mass * mag;
                bodies[i].vy -= dy * bodies[j].mass * mag;
                bodies[i].vz -= dz * bodies[j].mass * mag;
                bodies[j].vx += dx * bodies[i].mass * mag;
                bodies[j].vy += dy * bodies[i].mass * mag;
                bodies[j].vz += dz * bodies[i].mass * mag;
            }
        }
        for (int i = 0; i < 5; ++i) {
            bodies[i].x += 0.001 * bodies[i].vx;
            bodies[i].y += 0.001 * bodies[i].vy;
            bodies[i].z += 0.001 * bodies[i].vz;
        }
    }
    printf("%.9f %.9f\n", bodies[0].x, bodies[4].vy);
    return 0;
}
