"""Random values from the run's recorded seed, so that answers cannot be prepared."""

from __future__ import annotations

import random

WORDS = tuple(
    [
        "amber",
        "anchor",
        "apron",
        "arbor",
        "atlas",
        "bakery",
        "barley",
        "basil",
        "beacon",
        "birch",
        "bottle",
        "bramble",
        "bridge",
        "broth",
        "butter",
        "cabin",
        "candle",
        "canvas",
        "carbon",
        "cedar",
        "cellar",
        "cinder",
        "citrus",
        "clover",
        "cobalt",
        "copper",
        "cotton",
        "cumin",
        "dahlia",
        "damson",
        "drift",
        "ember",
        "fennel",
        "fern",
        "ferry",
        "flint",
        "flour",
        "forest",
        "garlic",
        "ginger",
        "glacier",
        "granite",
        "harbor",
        "hazel",
        "heron",
        "honey",
        "indigo",
        "iris",
        "ivory",
        "jasmine",
        "juniper",
        "kettle",
        "lagoon",
        "lantern",
        "larch",
        "laurel",
        "lemon",
        "lichen",
        "linen",
        "maple",
        "marble",
        "marrow",
        "meadow",
        "melon",
        "mint",
        "mortar",
        "mustard",
        "nettle",
        "nutmeg",
        "oak",
        "olive",
        "onyx",
        "orchard",
        "otter",
        "oyster",
        "parsley",
        "pebble",
        "pepper",
        "pewter",
        "pigeon",
        "plum",
        "poplar",
        "prairie",
        "quartz",
        "quince",
        "radish",
        "raven",
        "ribbon",
        "river",
        "rosemary",
        "saddle",
        "saffron",
        "sage",
        "salmon",
        "sandal",
        "sesame",
        "shore",
        "silver",
        "sorrel",
        "spruce",
        "squash",
        "stable",
        "stove",
        "sumac",
        "syrup",
        "tamarind",
        "thicket",
        "thyme",
        "timber",
        "tulip",
        "tundra",
        "turnip",
        "umber",
        "vanilla",
        "velvet",
        "violet",
        "walnut",
        "willow",
        "yarrow",
        "zephyr",
        "zinnia",
    ]
)


class Rng(random.Random):
    """A seeded `random.Random` that also makes words. One check always gets the same values
    from the same seed, whatever ran before it."""

    def word(self) -> str:
        """Return one lower-case word."""
        return self.choice(WORDS)

    def slug(self) -> str:
        """Return two words and a number, as in `cedar-otter-4821`; practically unique."""
        return f"{self.word()}-{self.word()}-{self.randrange(1000, 10000)}"

    def title(self) -> str:
        """Return a capitalised title that no other call returns."""
        return f"{self.word()} {self.word()} {self.word()} {self.randrange(10**6)}".capitalize()

    def sentence(self) -> str:
        """Return a sentence of five to nine words."""
        return " ".join(self.word() for _ in range(self.randrange(5, 10))).capitalize() + "."
