"""Makes fixtures.safetensors: files as NumPy, SciPy and Pillow write them, and what they read from them.

Everything is synthetic. Run with numpy, scipy, Pillow and safetensors installed:

    python make_fixtures.py fixtures.safetensors
"""

import io
import pickle
import sys

import numpy as np
import scipy.io
from PIL import Image, ImageEnhance
from safetensors.numpy import save_file

tensors = {}


def put(name, array):
    tensors[name] = np.ascontiguousarray(array)


def put_bytes(name, data):
    put(name, np.frombuffer(data, np.uint8))


# Pixels by a rule that the tests know too.
def rule(count, salt):
    index = np.arange(count)
    return (1 + (index * 7919 + salt * 104729 + index // 251 * 31) % 255).astype(np.uint8)


# A batch of CIFAR as a modern Python saves it again.
data = rule(2 * 3072, 7).reshape(2, 3072)
for protocol in range(2, 6):
    put_bytes(f"pickle.{protocol}", pickle.dumps({"data": data, "labels": [3, 8], "filenames": ["a.png", "b.png"]}, protocol))
put_bytes("pickle.bytes-keys", pickle.dumps({b"data": data, b"labels": [3, 8]}, 4))
put_bytes("pickle.array-labels", pickle.dumps({"data": data, "labels": np.array([3, 8], ">i4")}, 4))
put_bytes("pickle.scalar-labels", pickle.dumps({"data": data, "labels": [np.int64(3), np.uint8(8)]}, 4))
put_bytes("pickle.fortran", pickle.dumps({"data": np.asfortranarray(data), "labels": [3, 8]}, 5))
put_bytes("pickle.hundred", pickle.dumps({"data": data, "fine_labels": [99, 0], "coarse_labels": [1, 2]}, 4))
put_bytes("pickle.names", pickle.dumps({"label_names": [f"class {i}" for i in range(10)]}, 4))
put_bytes("pickle.float-data", pickle.dumps({"data": data.astype(np.float32), "labels": [3, 8]}, 4))

# SVHN as SciPy writes it: images are [row, column, channel, image].
images = rule(3 * 3072, 9).reshape(3, 3, 32, 32).transpose(2, 3, 1, 0)
for name, labels in [("svhn", np.array([[10], [1], [9]], np.uint8)), ("svhn.double", np.array([[10.0], [1.0], [9.0]]))]:
    file = io.BytesIO()
    scipy.io.savemat(file, {"X": images, "y": labels}, do_compression=name == "svhn")
    put_bytes(name, file.getvalue())

# Images of every kind.
rows, columns = np.mgrid[0:18, 0:26]
smooth = np.stack([rows * 14, columns * 9, 255 - rows * 5 - columns * 5], -1).astype(np.uint8)
noise = np.random.default_rng(1).integers(0, 256, (18, 26, 3), np.uint8)
rgb = Image.fromarray(smooth)
mixed = Image.fromarray(noise)


def put_image(name, image, **options):
    file = io.BytesIO()
    image.save(file, **options)
    put_bytes(name, file.getvalue())
    put(f"{name}.pixels", np.array(Image.open(io.BytesIO(file.getvalue())).convert("RGB")))


put_image("rgb.jpg", rgb, format="JPEG", quality=90)
put_image("progressive.jpg", mixed, format="JPEG", quality=80, progressive=True, subsampling=0)
put_image("grey.jpg", mixed.convert("L"), format="JPEG")
put_image("cmyk.jpg", mixed.convert("CMYK"), format="JPEG")
put_image("rgb.png", mixed, format="PNG")
put_image("grey.png", mixed.convert("L"), format="PNG")
put_image("bilevel.png", mixed.convert("1"), format="PNG")
put_image("palette.png", mixed.convert("P", palette=Image.Palette.ADAPTIVE, colors=30), format="PNG")
opacity = Image.fromarray(noise[..., 1])
put_image("alpha.png", Image.merge("RGBA", (*mixed.split(), opacity)), format="PNG")
deep = noise.astype(np.uint16)[..., 0] * 257
file = io.BytesIO()
Image.fromarray(deep).save(file, format="PNG")
put_bytes("deep.png", file.getvalue())
put("deep.png.pixels", np.repeat(noise[..., :1], 3, -1))

# Resizing.
put("resize.source", noise)
for width, height in [(13, 9), (26, 7), (52, 36), (8, 8), (31, 18), (1, 1)]:
    put(f"resize.{width}x{height}", np.array(mixed.resize((width, height), Image.Resampling.BILINEAR)))

# Colours: noise, and pixels that are grey or nearly so.
colours = np.random.default_rng(2).integers(0, 256, (48, 64, 3), np.uint8)
colours[:8] = colours[:8, :, :1]
colours[8:12] = np.clip(colours[8:12, :, :1].astype(int) + np.random.default_rng(3).integers(-2, 3, (4, 64, 3)), 0, 255)
picture = Image.fromarray(colours)
put("colour.source", colours)
for factor in ["0.0", "0.6", "0.83", "1.0", "1.27", "1.4"]:
    for kind in ["Brightness", "Contrast", "Color"]:
        put(f"{kind.lower()}.{factor}", np.array(getattr(ImageEnhance, kind)(picture).enhance(float(np.float32(factor)))))
for share in ["-0.5", "-0.2", "-0.003", "0.0", "0.07", "0.2", "0.5"]:
    # As torchvision's adjust_hue.
    h, s, v = picture.convert("HSV").split()
    h = Image.fromarray(np.array(h) + np.array(int(float(share) * 255)).astype(np.uint8), "L")
    put(f"hue.{share}", np.array(Image.merge("HSV", (h, s, v)).convert("RGB")))

save_file(tensors, sys.argv[1])
