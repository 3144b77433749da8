# tr: translation, ranges, classes, deletion, squeezing, complement.
echo 'Hello World 123' > f
tr a-z A-Z < f; tr '[:lower:]' '[:upper:]' < f; tr -d l < f; tr -s l < f; tr -cd '0-9' < f; echo; tr ' ' '\n' < f; echo 'a\b' | tr '\\' /; tr -c 'a-zA-Z\n' '*' < f; echo aabbcc | tr -s 'a-c' x; printf 'a\0b' | tr '\0' 0; echo; echo abc | tr abc 1; tr '[:space:]' _ < f; echo; seq 50000 | tr -d '\n' | wc -c; echo ABC | tr 'A-C' 'x-z'; printf '\101\n' | tr '\101' b
