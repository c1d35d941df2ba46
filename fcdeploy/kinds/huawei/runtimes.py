"""The language runtimes: what the file calls them, and what travels. Facts 3.6.

Where Function Compute has the same one, its word is used, so that one file can be for both; else the word is made in
the same way.
"""

from __future__ import annotations

from collections.abc import Mapping

WIRE: Mapping[str, str] = {
    "python3.12": "Python3.12",
    "python3.10": "Python3.10",
    "python3.9": "Python3.9",
    "python3.6": "Python3.6",
    "python2.7": "Python2.7",
    "nodejs20": "Node.js20.15",
    "nodejs18": "Node.js18.15",
    "nodejs16": "Node.js16.17",
    "nodejs14": "Node.js14.18",
    "nodejs12": "Node.js12.13",
    "nodejs10": "Node.js10.16",
    "nodejs8": "Node.js8.10",
    "nodejs6": "Node.js6.10",
    "java21": "Java21",
    "java17": "Java17",
    "java11": "Java11",
    "java8": "Java8",
    "go1": "Go1.x",
    "go1.8": "Go1.8",
    "php8.3": "PHP8.3",
    "php7.3": "PHP7.3",
    "dotnetcore8.0": "C#(.NET Core 8.0)",
    "dotnetcore6.0": "C#(.NET Core 6.0)",
    "dotnetcore3.1": "C#(.NET Core 3.1)",
    "dotnetcore2.1": "C#(.NET Core 2.1)",
    "dotnetcore2.0": "C#(.NET Core 2.0)",
    "cangjie1.0": "Cangjie1.0",
    "custom": "Custom",
    "http": "http",
    "custom-container": "Custom Image",
}
"""What travels, by the word of the file; each stands once."""

WORDS: Mapping[str, str] = {wire: word for word, wire in WIRE.items()}
"""The word of the file, by what travels."""

CONTAINER = ("custom-container",)
SERVERS = ("http", *CONTAINER)
"""They run an HTTP server, which takes many requests at a time."""
GPU = ("custom", *CONTAINER)
JAVA = tuple(word for word in WIRE if word.startswith("java"))
DOTTED = tuple(word for word in WIRE if word.startswith(("python", "nodejs", "php", "java", "dotnet")))
"""Their handler names a file, or a class, and a function in it."""

DEFAULT_HANDLERS: Mapping[str, str] = {"custom": "bootstrap", "http": "bootstrap", "custom-container": "-"}
"""What the API wants as the handler where it has no meaning (facts 3.2)."""
