/* Lists, a matrix product, a state machine over text: ordinary compiled code. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct node { struct node* next; uint32_t value; };

static struct node nodes[4096];
static uint32_t a[64][64], b[64][64], c[64][64];
static char text[8192];

static struct node* sort(struct node* list) {
    if (list == 0 || list->next == 0) return list;
    struct node *slow = list, *fast = list->next;
    while (fast && fast->next) { slow = slow->next; fast = fast->next->next; }
    struct node* half = slow->next;
    slow->next = 0;
    struct node *left = sort(list), *right = sort(half), head, *tail = &head;
    while (left && right) {
        struct node** least = left->value <= right->value ? &left : &right;
        tail->next = *least;
        tail = *least;
        *least = (*least)->next;
    }
    tail->next = left ? left : right;
    return head.next;
}

int main(int argc, char** argv) {
    const long rounds = argc > 1 ? atol(argv[1]) : 60;
    uint32_t seed = 1, sum = 0;
    for (long r = 0; r < rounds; ++r) {
        for (int i = 0; i < 4096; ++i) {
            seed = seed * 1664525 + 1013904223;
            nodes[i].value = seed >> 8;
            nodes[i].next = i + 1 < 4096 ? &nodes[i + 1] : 0;
        }
        sum += sort(nodes)->value;
        for (int i = 0; i < 64; ++i)
            for (int j = 0; j < 64; ++j) { a[i][j] = seed + (uint32_t)(i * j); b[i][j] = seed ^ (uint32_t)(i + j); }
        for (int i = 0; i < 64; ++i)
            for (int j = 0; j < 64; ++j) {
                uint32_t cell = 0;
                for (int k = 0; k < 64; ++k) cell += a[i][k] * b[k][j];
                c[i][j] = cell;
            }
        sum ^= c[r & 63][17];
        for (unsigned i = 0; i < sizeof text; ++i) text[i] = "ab12 .-\n"[(seed >> (i & 15)) & 7];
        int state = 0, words = 0;
        for (unsigned i = 0; i < sizeof text; ++i) {
            const char ch = text[i];
            switch (state) {
                case 0: if (ch >= 'a') state = 1; else if (ch >= '0') state = 2; break;
                case 1: if (ch == ' ' || ch == '\n') { ++words; state = 0; } break;
                default: if (ch == '.') state = 1; else if (ch == ' ') state = 0;
            }
        }
        sum += (uint32_t)words;
    }
    printf("%08x\n", sum);
    return 0;
}
