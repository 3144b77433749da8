# seq: ranges, steps, widths, separators, down, fractions.
seq 3; seq 2 4; seq 1 2 7; seq 5 -2 1; seq -w 8 11; seq -s , 5; seq 0 0.5 2; seq 3 1; echo status $?; seq x; echo status $?; seq -2 2; seq 100000 | tail -1; seq 1 0 1 | head -2
