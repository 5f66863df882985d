"""Faces: what people and programs see. They add no second rule: a view asks services and selectors, and words refusals.

`base` is the ground the others stand on; till, displays, back office and API each own a folder with its routes,
templates, translations and tests, and know nothing of each other.
"""
