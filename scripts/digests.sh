#!/bin/sh
# Does a change keep the bits? Runs every method, space, variant and command at a tiny size and writes digests of all that
# they computed into OUT/digests.txt: a line for each tensor, column of a table, figure and genotype. Times are left out,
# so the same program gives the same file. Run it before and after a change, and
#   diff BEFORE/digests.txt AFTER/digests.txt
# names what is no longer the same. OUT/words.txt holds what was printed, settings and metadata, some of which a change may
# mean to alter. A command that fails ends everything with its name.
# usage: [ZARTS=PROGRAM] scripts/digests.sh [OUT [DATASET]]      OUT is runs/digests unless given, DATASET fashion-mnist;
# paths in DATASET are whole ones. Needs python3. Takes about three minutes.
set -eu
[ $# -le 2 ] || { echo "usage: [ZARTS=PROGRAM] scripts/digests.sh [OUT [DATASET]]" >&2; exit 64; }
start=$(date +%s)

fail() {
  printf 'digests: %s\n' "$*" >&2
  exit 1
}

absolute() { case $1 in /*) printf '%s\n' "$1" ;; *) printf '%s/%s\n' "$PWD" "$1" ;; esac }

zarts=${ZARTS:+$(absolute "$ZARTS")}
out=${1:+$(absolute "$1")}
dataset=${2:-fashion-mnist}
cd "$(dirname "$0")/.."
root=$PWD
zarts=${zarts:-$(swift build -c release --show-bin-path)/zarts}
out=${out:-$root/runs/digests}
[ -x "$zarts" ] || fail "$zarts is not built; run 'make build' first, or name a program by ZARTS"
command -v python3 >/dev/null || fail "python3 is not there; apt-get install python3-minimal brings it"

# What an earlier call left is replaced, anything else is kept.
if [ -e "$out" ]; then
  [ -e "$out/.zarts-digests" ] || fail "$out exists and is not of an earlier call; remove it or name another folder"
  rm -rf "$out"
fi
mkdir -p "$out/words"
: > "$out/.zarts-digests"
# Files name each other by paths from here, so that they are the same wherever OUT lies.
cd "$out"

part() { printf 'digests: %4d s  %s\n' "$(($(date +%s) - start))" "$*"; }

# run NAME COMMAND FLAG…: what it prints goes to words/NAME.txt.
run() {
  name=$1
  shift
  status=0
  "$zarts" "$@" > "words/$name.txt" 2> errors || status=$?
  [ "$status" -eq 0 ] && return
  cat errors >&2
  fail "'$name' failed with status $status: zarts $*"
}

# Fashion-MNIST is cut to its first images, which load at once. Most runs halve the images, for a quarter of the time.
[ "$dataset" != fashion-mnist ] || {
  python3 "$root/scripts/digests.py" --cut /usr/share/datasets/fashion-mnist data
  dataset=fashion-mnist:$PWD/data
}
case $dataset in
  *\?*) half=$dataset ;;
  *) half="$dataset?side=16" ;;
esac

# 32 images for ω and as many for α: 4 weight steps an epoch, every second of which may have an update of ZARTS.
common="--train-limit 64 --batch 8 --seed 3 --threads 1"
size="--channels 8 --layers 3"
short="--epochs 2 --warmup 1 --keep-last 1"
small="$size $short"
studied="$size --epochs 3 --warmup 1"

# search NAME FLAG…
search() {
  name=$1
  shift
  # shellcheck disable=SC2086 # the flags are words
  run "search-$name" search $common --dataset "$half" "$@" --out "search/$name"
}

# The flags of a method at this size.
method() {
  case $1 in
    *-es | darts-ada) echo "--method $1 --eigenvalue-batches 1 --early-stop-window 1 --early-stop-start 0" ;;
    darts* | rdarts-* | sdarts-*) echo "--method $1" ;;
    zarts-gld) echo "--method $1 --inner-steps 2 --radii 3" ;;
    zarts-*) echo "--method $1 --inner-steps 2 --candidates 3" ;;
    *) echo "--method $1 --candidates 3" ;;
  esac
}

# shellcheck disable=SC2046,SC2086 # the flags are words
searches() {
  for method in darts1 darts2 darts1-es darts2-es darts-ada zarts-rs zarts-mgs zarts-gld random rdarts-l2; do
    for space in s1 s2 s3 s4 s5 s6; do search "$method-$space" $(method $method) --space $space $small; done
  done
  for method in sdarts-rs sdarts-adv; do
    for space in s2 s3; do search "$method-$space" $(method $method) --space $space $small; done
  done
  search perturbed-mgs $(method zarts-mgs) --space s2 $small --perturbation adversarial --perturbation-steps 2
}

# shellcheck disable=SC2046,SC2086 # the flags are words
options() {
  rs="$(method zarts-rs) --space s2 $small"
  search rs-pairs $rs --candidates 4 --antithetic
  search rs-sphere $rs --rs-distribution sphere
  search rs-sphere-pairs $rs --candidates 4 --antithetic --rs-distribution sphere --mu 0.5 --xi 1
  mgs="$(method zarts-mgs) --space s2 $small"
  search mgs-exact $mgs --proposal exact
  search mgs-blind $mgs --lambda 0.9 --sigma 0.1 --tau 0.1 --sigma-decay linear
  search mgs-constant $mgs --sigma-decay constant --eigenvalue-every 2 --eigenvalue-batches 2
  search gld-radius $(method zarts-gld) --space s2 $small --radius 3
  search es-stops $(method darts1-es) --early-stop-ratio 1 --space s2 $size --epochs 6 --warmup 0 --keep-last 1
  # What goes back where eigenvalues grow at all, with every checkpoint and with those alone that it may need.
  back="--early-stop-distance 1 --early-stop-ratio 1 --space s2 $size --epochs 6 --warmup 0"
  search ada-returns $(method darts-ada) $back
  search ada-pruned $(method darts-ada) $back --keep-last 1 --adaptive-decay-factor 3 --adaptive-decay-maximum 0.0243
  search mgs-returns $(method zarts-mgs) $back --eigenvalue-every 1 --eigenvalue-batches 1 --early-stop-window 1 \
    --early-stop-start 0 --adaptive-decay-factor 10
  # Widths that fill lanes, that leave some idle, and that take a quarter of them.
  search c16 $(method darts2) --space s6 --channels 16 --layers 4 $short
  search c20 $(method darts2) --space s5 --channels 20 --layers 3 $short
  search c4 $(method zarts-mgs) --space s1 --channels 4 --layers 5 $short --checkpoint-every 2
}

# shellcheck disable=SC2046,SC2086 # the flags are words
variants() {
  for method in darts1 darts2 zarts-rs zarts-mgs zarts-gld; do
    one="$(method $method) $small"
    search "partial-$method" $one --space s5 --partial-channels 2 --edge-normalisation
    search "merged-$method" $one --space s6 --merged-convolutions
    search "dropout-$method" $one --space s3 --skip-dropout 0.3 --maximum-skips 2
    search "auxiliary-$method" $one --space s3 --auxiliary-skip 1
    search "stages-$method" $(method $method) --space s5 --maximum-skips 1 --keep-last 1 \
      --stages 3:8:8:0:2:1,4:8:5:0.4:2:1,3:4:3:0.7:2:0
  done
  search partial-alone $(method darts2) --space s2 --partial-channels 4 --channels 16 --layers 3 $short
  search partial-random $(method random) --space s3 --partial-channels 2 $small
  search edges $(method darts1) --space s4 --edge-normalisation $small
  search edges-mgs $(method zarts-mgs) --space s6 --edge-normalisation $small
  search merged-s1 $(method darts2) --space s1 --merged-convolutions $small
  search merged-random $(method random) --space s6 --merged-convolutions $small
  search auxiliary-random $(method random) --space s2 --auxiliary-skip 0.5 --auxiliary-decay constant $small
  search auxiliary-partial $(method darts1) --space s5 --auxiliary-skip 1 --auxiliary-decay cosine --partial-channels 2 \
    --edge-normalisation $small
  # The stem of ImageNet, on images of 64 pixels.
  images="$root/Tests/TestSupport/Golden/variants/s2_c8_l3_imagenet.safetensors"
  run search-imagenet search $(method darts2) --space s2 --scale imagenet --dataset "tensors:$images" --seed 3 --threads 1 \
    $small --out search/imagenet
  for space in s1 s4 s6; do search "minus-$space" $(method darts-minus) --space $space $small; done
}

# Dropped edges and cutout, the second epoch at their largest rates.
# shellcheck disable=SC2046,SC2086 # the flags are words
regularised() {
  few="$size --epochs 2 --keep-last 1"
  for space in s1 s2 s3 s4 s5 s6; do
    search "rdarts-dp-$space" --method rdarts-dp --cutout 6 --drop-path 0.4 --space $space $few
  done
  search drop-path-mgs $(method zarts-mgs) --space s2 --drop-path 0.3 $few --warmup 1
  search drop-path-partial $(method darts1) --space s5 --drop-path 0.3 --partial-channels 2 --edge-normalisation $few
  search drop-path-packed $(method darts1) --space s3 --channels 16 --layers 3 --partial-channels 4 --drop-path 0.3 \
    --epochs 2 --keep-last 1
  search drop-path-merged $(method zarts-gld) --space s6 --drop-path 0.3 --merged-convolutions $few --warmup 1
  search drop-path-nb201 $(method darts2) --space nb201 --drop-path 0.3 --channels 8 --layers 3 --epochs 2 --keep-last 1
  search cutout $(method darts1) --space s2 --cutout 4 --cutout-probability 0.5 --no-cutout-ramp $few
}

# Searches that the commands below look at, with all of their checkpoints.
# shellcheck disable=SC2046,SC2086 # the flags are words
subjects() {
  search d $(method darts1) --space s2 $studied --eigenvalue-every 1 --eigenvalue-batches 1 --checkpoint-every 3
  search z $(method zarts-mgs) --space s2 $studied
  search noise $(method darts2) --space s4 $studied
  search minus $(method darts-minus) --space s2 $studied
  search partial $(method darts1) --space s3 --partial-channels 2 --edge-normalisation $studied
  search merged $(method zarts-rs) --space s6 --merged-convolutions $studied
  search stages $(method darts1) --space s5 --skip-dropout 0.2 --stages 3:8:8:0:2:1,3:8:5:0.4:2:1
}

# A search goes on from an earlier checkpoint, on another number of threads.
resumed() {
  cp -R search/z search/z-resumed
  rm -r search/z-resumed/checkpoints/epoch-003* search/z-resumed/genotype.txt
  run resumed search --resume search/z-resumed --threads 2
}

# shellcheck disable=SC2046,SC2086 # the flags are words
images() {
  python3 "$root/scripts/digests.py" --images images
  sizes="$small --train-limit 24 --batch 4 --seed 3 --threads 1"
  run search-images search $(method darts2) --space s2 $sizes \
    --dataset 'images:images?size=32&crop=padded&normalise=cifar10' --out search/images
  run search-colours search $(method zarts-mgs) --space s3 $sizes --dataset 'images:images?size=32' --out search/colours
  # shellcheck disable=SC2086 # the flags are words
  run search-whole search $common --dataset "$dataset" $(method darts2) --space s2 $small --out search/whole
}

all_operations="Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_5x5', 1), ('dil_conv_3x3', 0), ('skip_connect', 2), \
('dil_conv_5x5', 1), ('max_pool_3x3', 3), ('avg_pool_3x3', 0), ('sep_conv_3x3', 4)], normal_concat=range(2, 6), \
reduce=[('max_pool_3x3', 0), ('sep_conv_5x5', 1), ('skip_connect', 0), ('dil_conv_5x5', 2), ('avg_pool_3x3', 1), \
('sep_conv_3x3', 3), ('dil_conv_3x3', 0), ('skip_connect', 4)], reduce_concat=range(2, 6))"

# derive NAME FLAG…
derive() {
  name=$1
  shift
  run "derive-$name" derive --threads 1 "$@" --out "derive/$name"
}

# Selections by perturbation of searches of both kinds of update, with partial channels and β, and of a stage.
selections() {
  derive d --run search/d --epoch 2 --tune-epochs 1
  derive loss --run search/z --criterion loss --tune-epochs 0 --order number
  derive still --run search/partial --alpha-updates none --tune-epochs 1 --learning-rate-decay cosine --validation-batches 2
  derive none --run search/partial --none --criterion loss --tune-epochs 0 --order-seed 9
  derive magnitude --run search/merged --selection magnitude --tune-epochs 1
  derive stages --run search/stages --tune-epochs 0
  run diagnose-selection diagnose search/d --quick --selection derive/d --out diagnose/selection
  run diagnose-removals diagnose search/z --samples 0 --no-eigenvalues --every 3 --removals 2 --out diagnose/removals
}

# retrain NAME GENOTYPE FLAG…
retrain() {
  name=$1
  genotype=$2
  shift 2
  run "retrain-$name" retrain --genotype "$genotype" --seed 3 --threads 1 "$@" --out "retrain/$name"
}

# shellcheck disable=SC2086 # the flags are words
retraining() {
  few="--epochs 2 --train-limit 64 --test-limit 40 --batch 12 --channels 8 --layers 4"
  retrain cifar "$all_operations" --dataset "$dataset" $few
  retrain plain "$all_operations" --dataset "$dataset" $few --no-auxiliary --cutout 0 --drop-path 0 --label-smoothing 0.1 \
    --schedule exponential --learning-rate 0.1
  retrain wide "$all_operations" --dataset "$dataset" --epochs 1 --train-limit 32 --test-limit 16 --batch 8 --channels 36 \
    --layers 5
  retrain found search/z --dataset "$dataset" $few --drop-path 0.5 --auxiliary-weight 1
  retrain noise search/noise --dataset "$dataset" $few
  retrain stages search/stages --dataset "$dataset" $few
  few="--preset imagenet --epochs 2 --train-limit 12 --test-limit 6 --batch 4 --channels 8 --layers 4"
  retrain imagenet "$all_operations" --dataset images:images $few --drop-path 0.2 --cutout 16
  retrain imagenet-plain search/merged --dataset 'images:images?size=64' $few --no-auxiliary
  cp -R retrain/cifar retrain/resumed
  rm -r retrain/resumed/checkpoints/epoch-002*
  run retrain-resumed retrain --resume retrain/resumed --threads 2
}

# landscape NAME FLAG…
landscape() {
  name=$1
  shift
  run "landscape-$name" landscape --parallel 1 "$@" --out "landscape/$name"
}

# shellcheck disable=SC2086 # the flags are words
landscapes() {
  three="--objectives first,second,true:1,true:3"
  grid="$three --grid 3 --range 50"
  line="$three --kind line --points 3"
  landscape random --run search/d --epoch 2 $grid --validation-batches 2 --refine 1
  landscape two-threads --run search/d --epoch 2 $grid --validation-batches 2 --refine 1 --parallel 2 --threads 2
  landscape running --run search/d --epoch 2 $grid --batch-norm running
  landscape curvature --run search/d --epoch 2 $grid --objectives first,eigenvalue:8,convexity:8,alpha-eigenvalue
  landscape perturbed --run search/d --epoch 2 --grid 3 --range 50 --validation-batches 2 \
    --objectives first,random:0.1,adversarial:0.1,adversarial:0.3
  landscape authors --run search/d --epoch 2 --preset authors --grid 2 --refine 1
  landscape descent --run search/d --epoch 2 --kind line --points 3 --directions first,true:2 --objectives first,true:2
  landscape recalibrated --run search/d --epoch 2 $grid --batch-norm recalibrated --recalibration-batches 2
  landscape whole-split --run search/z $grid --validation-batches all --batch-norm recalibrated --recalibration-batches 1
  landscape rows --run search/d --epoch 1 $grid --directions random,first --normalisation row
  landscape gradients --run search/d --epoch 2 $grid --directions first,second
  landscape update --run search/z --epoch 2 $grid --directions zarts,random --normalisation model --inner-lr 0.01
  landscape paths --run search/d $three --grid 3 --directions pca1,pca2 --trajectory search/d --trajectory search/z
  landscape held --run search/d --epoch 2 --objectives first --grid 3x2 --range 50,20 --paths darts2,zarts-gld,authors-path-mgs --path-steps 2
  landscape others --run search/d --epoch 2 $three --grid 3 --directions to:search/z,to:search/noise
  landscape file --run search/d --epoch 2 $grid --normalisation none \
    --directions file:landscape/gradients/directions.safetensors,file:landscape/update/directions.safetensors#direction2
  landscape weights --run search/d --epoch 2 $grid --over weights --range 0.5 --batch-norm recalibrated --recalibration-batches 2
  landscape weights-lines --run search/d --epoch 2 $line --over weights --directions to:search/z,random --ignore none --orthogonalise
  landscape weights-path --run search/d $three --grid 3 --over weights --directions pca1,pca2 --trajectory search/d --trajectory search/z
  landscape both --run search/z $three --grid 3 --over both --directions weights:random,alpha:first --range 0.5
  landscape lines --run search/d --epoch 2 $line --range 20 --validation-batches 3 \
    --directions 'random*2,first,second,zarts,pca1,to:search/z'
  landscape lines-running --run search/z --epoch 1 $line --range 20 --validation-batches 2 --batch-norm running
  landscape noise --run search/noise --epoch 2 $grid
  landscape partial --run search/partial --epoch 2 $grid --directions second,random --batch-norm running
  landscape merged --run search/merged --epoch 2 $grid --directions zarts,random
  landscape stages --run search/stages $grid --directions first,random
  landscape minus --run search/minus --epoch 2 $grid --directions first,zarts
  for golden in s1_c16_l3_b4 s5_c8_l3_b4 variants/s3_c8_l3_k4 variants/s1_c8_l4_merged variants/s1_c8_l3_auxiliary; do
    file="$root/Tests/TestSupport/Golden/$golden.safetensors"
    landscape "golden-$(basename $golden)" --weights "$file" --dataset "tensors:$file" --threads 1 $three --grid 2
  done
}

# shellcheck disable=SC2086 # the flags are words
studies() {
  for one in d noise partial merged stages; do
    run "gradients-$one" gradients --run search/$one --out "gradients-$one.safetensors"
  done
  few="--directions 3 --radii 1,2 --length unit --plane 3 --repeats 2 --replicates 50 --objectives first,second,true:2"
  run fidelity fidelity --run search/d --epoch 2 $few --validation-batches 2 --out fidelity/d
  run fidelity-rows fidelity --run search/noise --epoch 1 $few --normalisation row --bootstrap percentile --no-gradients \
    --no-eigenvalue --out fidelity/noise
  run fidelity-partial fidelity --run search/partial --epoch 2 $few --no-gradients --out fidelity/partial
  few="--inner-steps 1,2 --candidates 2,4 --repeats 2 --replicates 50"
  all=darts1,darts2,difference,rs,pairs,mgs,gld
  run estimators estimators --run search/d --epoch 2 $few --places 2 --sigmas 0.1,0.3 --estimators $all --out estimators/d
  run estimators-exact estimators --run search/z --epoch 2 $few --places 1 --sigmas 0.2 --estimators rs,mgs \
    --proposal exact --tau 0.1 --compare-displacements 0.5 --out estimators/z
  run spectrum spectrum --run search/d --epochs all --eigenvalues 2 --probes 3 --batches 2 --out spectrum/d
  run spectrum-differences spectrum --run search/d --hessian difference --epoch 2 --eigenvalues 1 --probes 0 --batches 1 --out spectrum/differences
  run spectrum-mixing spectrum --run search/d --mixing --epoch 2 --eigenvalues 1 --probes 0 --batches 1 --out spectrum/mixing
  run spectrum-full spectrum --run search/noise --epoch 2 --full --batches 1 --out spectrum/noise
  run spectrum-weights spectrum --run search/d --over weights --epoch 2 --eigenvalues 2 --probes 2 --density-steps 5 --batches 2 --vectors --out spectrum/weights
  run spectrum-minus spectrum --run search/minus --epochs all --eigenvalues 1 --probes 0 --batches 1 --out spectrum/minus
  run spectrum-partial spectrum --run search/partial --epoch 2 --eigenvalues 2 --probes 2 --batches 1 --out spectrum/partial
  few="--samples 3 --inner-steps 2 --validation-batches 2"
  for one in d z noise partial merged minus; do
    run "diagnose-$one" diagnose search/$one $few --every 2 --out "diagnose/$one"
  done
  run diagnose-quick diagnose search/d --quick --out diagnose/quick
}

# shellcheck disable=SC2086 # the flags are words
comparisons() {
  few="--seeds 0-1 --channels 4 --layers 3 --epochs 2 --warmup 1 --batch 8 --train-limit 64 --inner-steps 2 --keep-last 1"
  run compare compare --methods darts1,zarts-rs,random --spaces s2,s3 $few --dataset "$half" --jobs 2 --threads 2 \
    --out compare/epochs
  run compare-steps compare --methods darts1,zarts-mgs --spaces s2 $few --budget steps --dataset "$half" --threads 1 \
    --out compare/steps
  printf '%s\n' "methods: [rdarts-l2, darts1]" "variants: {rdarts-l2: [{weight_decay: 0.0009}, {weight_decay: 0.0243}]}" > variants.yaml
  run compare-variants compare variants.yaml --spaces s2 $few --dataset "$half" --jobs 2 --threads 2 --out compare/variants
}

reading() {
  for one in d z noise partial merged stages es-stops; do
    run "genotype-$one" genotype search/$one
    run "draw-$one" draw search/$one --no-metadata --out draw-$one.png
  done
  run genotype-checkpoint genotype search/partial/checkpoints/epoch-002.safetensors --format python
  run genotype-written genotype "$all_operations" --scale imagenet
  run draw-alphas draw search/partial --alphas --epoch 2 --no-metadata --out draw-alphas.png
  run summary summary search/d search/z search/stages search/es-stops
  run curves curves search/d search/z --column validation_loss,alpha_norm --no-metadata --out curves.png
  for one in landscape/random landscape/lines fidelity/d estimators/d spectrum/d search/d search/partial; do
    run "plot-$(echo $one | tr / -)" plot $one --no-metadata --out "plots/$one/"
  done
}

part "searches by method and space"
searches
part "options of methods"
options
part "variants"
variants
part "dropped edges and cutout"
regularised
part "searches to look at"
subjects
resumed
part "image files"
images
part "retraining"
retraining
part "landscapes"
landscapes
part "studies and diagnosis"
studies
part "selections by perturbation"
selections
part "comparisons"
comparisons
part "genotypes and figures"
reading
python3 "$root/scripts/digests.py" .
rm -f errors
part "done: $(wc -l < digests.txt) digests in $out/digests.txt"
