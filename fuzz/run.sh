#!/bin/sh
# Builds the fuzz targets with the stable compiler and runs one of them: fuzz/run.sh TARGET SECONDS
# See fuzz/README.md.
set -eu
target=$1
seconds=$2
cd "$(dirname "$0")"

# What cargo-fuzz would pass, without its sanitizers: coverage that libFuzzer reads.
coverage="-Cpasses=sancov-module"
for option in level=4 inline-8bit-counters pc-table trace-compares; do
    coverage="$coverage -Cllvm-args=-sanitizer-coverage-$option"
done
host=$(rustc -vV | sed -n 's/^host: //p')
# With --target, the flags are for the targets and not for build scripts.
RUSTFLAGS="$coverage -Ccodegen-units=1" cargo build --quiet --release --locked --target "$host" --bin "$target"

vectors=../docs/spec/vectors
seeds=target/seeds/$target
mkdir -p "$seeds" "target/corpus/$target" "artifacts/$target"
case $target in
entry) cp $vectors/good/*.json $vectors/bad/*.json "$seeds" ;;
car) cp $vectors/bundles/*/*.car "$seeds" ;;
http_body) cp $vectors/good/*.json $vectors/bad/*.json "$seeds" ;;
fraud) cp $vectors/fraud/*.fraud $vectors/fraud/bad/*.fraud "$seeds" ;;
note | proof) cp $vectors/proofs/*.proof $vectors/proofs/bad/*.proof "$seeds" ;;
folder)
    for folder in $vectors/bundles/*/*/; do
        if [ -f "$folder/head.json" ] && [ -d "$folder/blobs" ]; then
            {
                cat "$folder/head.json" "$folder/entries.ndjson"
                for blob in "$folder"/blobs/*; do
                    echo
                    cat "$blob"
                done
            } >"$seeds/$(echo "$folder" | tr -c 'a-z\n' '-')"
        fi
    done
    ;;
esac

exec "${CARGO_TARGET_DIR:-target}/$host/release/$target" -max_total_time="$seconds" -max_len=16384 -timeout=10 -verbosity=0 -print_final_stats=1 \
    -artifact_prefix="artifacts/$target/" "target/corpus/$target" "$seeds"
