"""Draws a small folder of images that a network can learn to tell apart: circles, stripes, flowers and more.

Colours, sizes, places and angles are left to chance, and there is noise. The folder is laid out as that of ImageNet,
with a folder for each class: OUT/train/circle/000.jpg, OUT/val/circle/000.jpg ... The same seed gives the same images.

Examples:
    python examples/imagenet/make_images.py images
    python examples/imagenet/make_images.py images --classes 3 --images 20 --size 64
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image


def polygon(u, v, corners):
    """How far out each point is, where 1 is a regular polygon's edge."""
    angles = 2 * np.pi * np.arange(corners) / corners
    return np.max([u * np.cos(angle) + v * np.sin(angle) for angle in angles], axis=0)


# What is ink and what is paper: u and v lead from the centre outwards, and the shape ends about where one of them is 1.
DRAWERS = {
    "circle": lambda u, v: np.hypot(u, v) < 0.9,
    "stripes": lambda u, v: np.sin(7 * u) > 0,
    "triangle": lambda u, v: polygon(u, v, 3) < 0.55,
    "checks": lambda u, v: np.sin(6 * u) * np.sin(6 * v) > 0,
    "ring": lambda u, v: np.abs(np.hypot(u, v) - 0.75) < 0.2,
    "dots": lambda u, v: np.cos(7 * u) + np.cos(7 * v) > 0.9,
    "square": lambda u, v: polygon(u, v, 4) < 0.8,
    "waves": lambda u, v: np.sin(8 * v + 2 * np.sin(5 * u)) > 0,
    "cross": lambda u, v: (np.minimum(np.abs(u), np.abs(v)) < 0.22) & (polygon(u, v, 4) < 1),
    "flower": lambda u, v: np.hypot(u, v) < 0.65 + 0.35 * np.cos(5 * np.arctan2(v, u)),
}


def draw(name, size, rng):
    """One image of a class, about ``size`` pixels wide and high."""
    width, height = (round(size * scale) for scale in rng.uniform(0.85, 1.35, 2))
    short = min(width, height)
    x, y = np.meshgrid(np.arange(width) - width / 2, np.arange(height) - height / 2)
    right, down = rng.uniform(-0.12, 0.12, 2) * short
    angle, scale = rng.uniform(0, 2 * np.pi), short * rng.uniform(0.22, 0.38)
    u = ((x - right) * np.cos(angle) + (y - down) * np.sin(angle)) / scale
    v = ((y - down) * np.cos(angle) - (x - right) * np.sin(angle)) / scale
    paper, ink = two_colours(rng)
    image = np.where(DRAWERS[name](u, v)[..., None], ink, paper)
    image += rng.uniform(-40, 40) * (x / width + y / height)[..., None]  # light from one side
    image += rng.normal(0, rng.uniform(2, 20), image.shape)
    return Image.fromarray(image.clip(0, 255).astype(np.uint8))


def two_colours(rng):
    """Two colours that differ enough to be seen."""
    while True:
        paper, ink = rng.uniform(0, 255, (2, 3))
        if np.abs(paper - ink).sum() > 200:
            return paper, ink


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, metavar="OUT", help="the folder to make")
    parser.add_argument(
        "--classes",
        type=int,
        default=len(DRAWERS),
        metavar="N",
        help=f"how many of {', '.join(DRAWERS)} (default: all {len(DRAWERS)})",
    )
    parser.add_argument(
        "--images",
        type=int,
        default=100,
        metavar="N",
        help="images of each class to learn from; a quarter as many are held out (default: 100)",
    )
    parser.add_argument("--size", type=int, default=128, help="pixels on a side, more or less (default: 128)")
    parser.add_argument("--seed", type=int, default=0, help="the same one gives the same images (default: 0)")
    args = parser.parse_args()
    if not 2 <= args.classes <= len(DRAWERS):
        parser.error(f"--classes must be from 2 to {len(DRAWERS)}")
    for name, least in (("images", 1), ("size", 16), ("seed", 0)):
        if getattr(args, name) < least:
            parser.error(f"--{name} must be at least {least}")
    return args


def main():
    args = parse_arguments()
    names = list(DRAWERS)[: args.classes]
    counts = {"train": args.images, "val": -(-args.images // 4)}
    try:
        args.out.mkdir(parents=True, exist_ok=True)
        if any(args.out.iterdir()):
            raise SystemExit(f"make_images.py: {args.out} is not empty. Give a new folder, or remove what is in it.")
        for part, (split, count) in enumerate(counts.items()):
            for label, name in enumerate(names):
                folder = args.out / split / name
                folder.mkdir(parents=True)
                for i in range(count):
                    rng = np.random.default_rng([args.seed, part, label, i])
                    draw(name, args.size, rng).save(folder / f"{i:03}.jpg", quality=90)
    except OSError as error:
        raise SystemExit(f"make_images.py: {error}") from None
    print(f"{args.out}: {len(names)} classes, each with {counts['train']} images in train and {counts['val']} in val")


if __name__ == "__main__":
    main()
