# Steps of ./test and of its campaigns: each is a line of its own, its output goes to build/logs/, and all are counted.
mkdir -p build/logs
passed=0 failed=0 skipped=0

# step NAME COMMAND…: the log is shown where it fails. Status 77: not tried; the log's last line says why.
step() {
    local name=$1 log began status
    shift
    log=build/logs/$(printf %s "$name" | tr -c 'a-zA-Z0-9\n' -).log
    began=$SECONDS
    "$@" >"$log" 2>&1
    status=$?
    case $status in
        0)
            echo "ok    $name ($((SECONDS - began)) s)"
            passed=$((passed + 1))
            ;;
        77)
            echo "skip  $name: $(grep . "$log" | tail -n 1)"
            skipped=$((skipped + 1))
            ;;
        *)
            echo "FAIL  $name ($((SECONDS - began)) s); $log:"
            tail -n 40 "$log"
            failed=$((failed + 1))
            ;;
    esac
    return $status
}

# configure_and_build PRESET [options of the build]: what is built for the first time is built many sources at once.
configure_and_build() {
    local preset=$1 first
    shift
    first=$(tools/first-build "$preset")
    cmake --preset "$preset" -DORRERY_WERROR=ON $first && cmake --build --preset "$preset" "$@"
}

# run_tests BUILD [ctest options]: a build's tests, as many at once as there are processors; a line for each.
run_tests() {
    local build=$1 results lines counts
    shift
    results=$PWD/build/logs/tests-$build.xml
    rm -f "$results"
    ctest --test-dir "$build" -j "$(nproc)" --output-junit "$results" "$@" >"build/logs/tests-$build.log" 2>&1
    lines=$(tools/test-lines "$results" "$build") || lines="0 1 0"
    counts=${lines##*$'\n'}
    [ "$lines" = "$counts" ] || echo "${lines%$'\n'*}"
    set -- $counts
    passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
    # No test at all is a failure too.
    if [ "$1" = 0 ]; then
        echo "FAIL  tests of $build: none has passed; build/logs/tests-$build.log"
        failed=$((failed + 1))
    fi
}

# The closing line; its status is that of the whole.
summary() {
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" = 0 ]
}
