/* A bytecode interpreter: unpredictable branches through a jump table. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { PUSH, ADD, SUB, MUL, XOR, DUP, SWAP, LOAD, STORE, JNZ, DEC, END };

static const int16_t program[] = {
    LOAD, 0, LOAD, 1, ADD,  DUP, PUSH, 31, MUL,   XOR,   0x0, STORE, 1,  LOAD, 1,  PUSH, 7,   SUB, STORE, 2,
    LOAD, 2, LOAD, 1, SWAP, XOR, STORE, 0, LOAD, 3, DEC, DUP, STORE, 3, JNZ,  0,  END,
};

int main(int argc, char** argv) {
    const long rounds = argc > 1 ? atol(argv[1]) : 30;
    uint32_t memory[4] = {1, 2, 3, 0}, stack[64];
    uint32_t sum = 0;
    for (long r = 0; r < rounds; ++r) {
        memory[3] = 50000;
        int pc = 0, sp = 0;
        for (;;) {
            switch (program[pc++]) {
                case PUSH: stack[sp++] = (uint32_t)program[pc++]; break;
                case ADD: --sp; stack[sp - 1] += stack[sp]; break;
                case SUB: --sp; stack[sp - 1] -= stack[sp]; break;
                case MUL: --sp; stack[sp - 1] *= stack[sp]; break;
                case XOR: --sp; stack[sp - 1] ^= stack[sp]; break;
                case DUP: stack[sp] = stack[sp - 1]; ++sp; break;
                case SWAP: { uint32_t t = stack[sp - 1]; stack[sp - 1] = stack[sp - 2]; stack[sp - 2] = t; break; }
                case LOAD: stack[sp++] = memory[program[pc++] & 3]; break;
                case STORE: memory[program[pc++] & 3] = stack[--sp]; break;
                case DEC: --stack[sp - 1]; break;
                case JNZ: { int to = program[pc++]; if (stack[--sp] != 0) { pc = to; sp = 0; } break; }
                default: goto done;
            }
        }
    done:
        sum = sum * 31 + memory[0] + memory[1];
    }
    printf("%08x\n", sum);
    return 0;
}
