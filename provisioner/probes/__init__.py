"""Programs that are run as files, in the interpreter that a spec is about, to prove that a framework works.

Each stands alone, on the standard library and its framework, because that interpreter may have nothing of
ours. It is told `gpu`, `tpu` or `cpu`, and ends by printing one line of JSON:
`{"ok": bool, "message": str, "hint": str, "data": {...}}`.

What they compute is made of small whole numbers, so every device must give the same result to the last bit,
however it rounds and in whatever order it adds.
"""
