"""Writes tests/data/bad: one malformed file per rule of docs/file_format.md, named for that rule.

    python tests/data/make_bad.py

expected.txt says for each file which error it must give and which words the message must hold.
Every file is the small valid one below with one thing changed.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "bad"

TEXT = """ingot 1
numerics 1
dim n in 1..8
dim m in 0..
guard n - 2 >= 0
param w: f32[4]
param mask: bool[4]
param second = w
state s: f32[4] = stored
state z: f32[4] = zeros
graph g(x: f32[n,4], i: i64[], b: bool[]) {
  %0 = add(x, w) : f32[n,4]  @ model.py:3 in block.1
  %1 = slice(%0, start=[0,0], stop=[n - 2,4], step=[1,1]) : f32[n - 2,4]
  %2 = sum(%0, axes=[0]) : f32[4]
  %3 = if(b) : f32[4] {
    then() {
      %4 = multiply(%2, 2.0) : f32[4]
      return %4
    }
    else() {
      return %2
    }
  }
  abort(b, message="no")
  update s <- %3
  return %1 as rows, %3
}
"""


class Parts:
    """The valid file in pieces, to be changed before it is packed."""

    def __init__(self) -> None:
        self.text = TEXT
        self.metadata: dict[str, Any] = {"author": "tests"}
        self.tensors: dict[str, Any] = {
            "w": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]},
            "s": {"dtype": "F32", "shape": [4], "data_offsets": [16, 32]},
            "mask": {"dtype": "BOOL", "shape": [4], "data_offsets": [32, 36]},
            "ingot.pad.0": {"dtype": "U8", "shape": [28], "data_offsets": [36, 64]},
        }
        self.data = bytes(64)

    def header(self) -> str:
        metadata = {**self.metadata, "ingot.module": self.text}
        return json.dumps({"__metadata__": metadata, **self.tensors}, separators=(",", ":"))

    def pack(self, header: str | bytes | None = None) -> bytes:
        raw = self.header() if header is None else header
        encoded = raw.encode() if isinstance(raw, str) else raw
        encoded += b" " * (-(len(encoded) + 8) % 64)
        return struct.pack("<Q", len(encoded)) + encoded + self.data


cases: dict[str, tuple[str, str, bytes]] = {}


def add(name: str, words: str, data: bytes, error: str = "FileError") -> None:
    assert name not in cases, name
    cases[name] = (error, words, data)


def change(name: str, words: str, edit: Callable[[Parts], None], error: str = "FileError") -> None:
    """A file whose parts were edited before packing."""
    parts = Parts()
    edit(parts)
    add(name, words, parts.pack(), error)


def header(name: str, words: str, old: str, new: str) -> None:
    """A file whose header has `new` where the valid one has `old`."""
    parts = Parts()
    text = parts.header()
    assert text.count(old) >= 1, (name, old)
    add(name, words, parts.pack(text.replace(old, new, 1)))


def text(name: str, words: str, old: str, new: str, error: str = "FileError") -> None:
    """A file whose module text has `new` where the valid one has `old`."""
    assert TEXT.count(old) >= 1, (name, old)

    def edit(parts: Parts) -> None:
        parts.text = TEXT.replace(old, new, 1)

    change(name, words, edit, error)


def container_cases() -> None:
    valid = Parts().pack()
    size = struct.unpack("<Q", valid[:8])[0]
    add("empty", "too short", b"")
    add("too_short", "too short", valid[:7])
    add(
        "header_too_long",
        "header too long",
        struct.pack("<Q", 100_000_001) + valid[8:],
        "LimitError",
    )
    add("header_past_the_end", "header past the end", struct.pack("<Q", len(valid)) + valid[8:])
    add(
        "header_size_wraps",
        "header too long",
        struct.pack("<Q", 2**64 - 8) + valid[8:],
        "LimitError",
    )
    add("header_cut", "file: byte", struct.pack("<Q", size - 200) + valid[8:])
    add("header_leading_space", "does not begin with '{'", Parts().pack(" " + Parts().header()))
    add("header_is_a_list", "does not begin with '{'", Parts().pack("[" + Parts().header() + "]"))
    add(
        "header_not_utf8",
        "not UTF-8",
        Parts().pack(Parts().header().encode().replace(b"tests", b"t\xffsts")),
    )
    add("header_trailing_garbage", "nothing but spaces", Parts().pack(Parts().header() + " x"))
    add("header_trailing_newline", "nothing but spaces", Parts().pack(Parts().header() + "\n"))
    add("data_truncated", "bytes not covered", valid[:-1])
    add("data_extended", "bytes not covered", valid + b"\0")
    add("header_nested_deep", "file: byte", Parts().pack('{"a":' * 10_000 + "1" + "}" * 10_000))


def json_cases() -> None:
    header("json_trailing_comma", "a tensor's name", "[36,64]}}", "[36,64]},}")
    header("json_missing_colon", "expected ':'", '"w":', '"w" ')
    header("json_unterminated_string", "string", "[36,64]}}", '[36,64]},"a')
    header("json_bad_escape", "unknown escape", "tests", "te\\x73ts")
    header("json_lone_surrogate", "lone surrogate", "tests", "\\ud800")
    header("json_control_character", "control character", "tests", "te\tsts")
    header("json_leading_zero", "leading zero", "[0,16]", "[00,16]")
    header("json_negative_number", "data_offsets", "[0,16]", "[-0,16]")
    header("json_fraction", "not an integer", "[0,16]", "[0.0,16]")
    header("json_exponent", "not an integer", "[0,16]", "[0,16e0]")
    header("json_number_too_large", "does not fit 64 bits", "[0,16]", "[0,18446744073709551616]")
    header("json_comment", "file: byte", "[0,16]", "[0,/**/16]")
    header("tensor_twice", "twice", '"s":', '"w":')
    header("metadata_twice", "__metadata__ twice", '"w":', '"__metadata__":{},"w":')
    header("metadata_key_twice", "twice", '"author":"tests"', '"author":"tests","author":"x"')
    header("metadata_not_text", "a metadata string", '"author":"tests"', '"author":1')
    header("metadata_not_an_object", "expected '{'", '"__metadata__":{', '"__metadata__":[{')
    header("no_module", "no ingot.module", "ingot.module", "other.module")
    header("metadata_reserved_key", "is reserved", '"author"', '"ingot.author"')


def tensor_cases() -> None:
    header("tensor_unknown_field", "unknown field 'extra'", '"shape":[4]', '"shape":[4],"extra":0')
    header("tensor_missing_field", "lacks a field", '"dtype":"F32",', "")
    header("tensor_field_twice", "twice", '"shape":[4]', '"shape":[4],"shape":[4]')
    header(
        "tensor_without_fields",
        "a field of a tensor",
        '{"dtype":"F32","shape":[4],"data_offsets":[0,16]}',
        "{}",
    )
    header(
        "tensor_not_an_object",
        "expected '{'",
        '{"dtype":"F32","shape":[4],"data_offsets":[0,16]}',
        "null",
    )
    header("tensor_unknown_dtype", "unknown dtype", '"F32"', '"f32"')
    header("tensor_subbyte_dtype", "unknown dtype", '"F32"', '"F4"')
    header("tensor_dtype_not_text", "a dtype", '"F32"', "32")
    header("tensor_shape_not_a_list", "expected '['", '"shape":[4]', '"shape":4')
    header("tensor_offsets_of_one", "data_offsets needs two", "[0,16]", "[0]")
    parts = Parts()
    parts.tensors["w"]["shape"] = [1] * 8 + [4]
    add("tensor_rank_too_high", "more than 8 numbers", parts.pack(), "LimitError")
    parts = Parts()
    parts.tensors["w"]["data_offsets"] = [0, 16, 16]
    add("tensor_offsets_of_three", "more than 2 numbers", parts.pack(), "LimitError")
    header("tensor_offsets_reversed", "do not hold its 16 bytes", "[0,16]", "[16,0]")
    header("tensor_size_differs", "do not hold its 16 bytes", "[0,16]", "[0,12]")
    header(
        "tensor_size_overflows",
        "overflows 64 bits",
        '"shape":[4]',
        '"shape":[4294967296,4294967296]',
    )
    header("tensor_size_wraps", "overflows 64 bits", '"shape":[4]', '"shape":[4611686018427387908]')
    header("tensor_overlap", "(overlap)", "[16,32]", "[0,16]")
    header(
        "tensor_hole",
        "(hole)",
        '"shape":[28],"data_offsets":[36,64]',
        '"shape":[24],"data_offsets":[40,64]',
    )
    header(
        "tensor_offset_past_the_end",
        "file: tensor",
        "[36,64]",
        "[9223372036854775808,9223372036854775836]",
    )
    header("tensor_unknown", "no param or stored state", '"ingot.pad.0"', '"other"')
    header(
        "tensor_missing",
        "has no tensor",
        '"s":{"dtype":"F32","shape":[4]',
        '"ingot.pad.1":{"dtype":"U8","shape":[16]',
    )
    header(
        "tensor_other_dtype", "the module wants F32[4]", '"F32","shape":[4]', '"I32","shape":[4]'
    )
    header(
        "tensor_other_shape", "the module wants F32[4]", '"F32","shape":[4]', '"F32","shape":[2,2]'
    )
    header("tensor_of_zeros_state", "no param or stored state", '"ingot.pad.0"', '"z"')
    header("tensor_of_second_name", "no param or stored state", '"ingot.pad.0"', '"second"')
    header("pad_not_bytes", "padding must be", '"U8","shape":[28]', '"F32","shape":[7]')
    header("pad_of_two_axes", "padding must be", '"shape":[28]', '"shape":[7,4]')
    header("pad_number", "no param or stored state", '"ingot.pad.0"', '"ingot.pad.00"')
    parts = Parts()
    parts.tensors["ingot.pad.0"] = {"dtype": "U8", "shape": [64], "data_offsets": [36, 100]}
    parts.data = bytes(100)
    add("pad_too_long", "padding must be", parts.pack())
    parts = Parts()
    parts.tensors["w"]["data_offsets"], parts.tensors["mask"]["data_offsets"] = [37, 53], [32, 36]
    parts.tensors["ingot.pad.0"] = {"dtype": "U8", "shape": [16], "data_offsets": [0, 16]}
    parts.tensors["ingot.pad.1"] = {"dtype": "U8", "shape": [1], "data_offsets": [36, 37]}
    parts.data = bytes(53)
    add("tensor_misaligned", "is not aligned to 4 bytes", parts.pack())

    def two(parts: Parts) -> None:
        parts.data = bytes(33) + b"\2" + bytes(30)

    change("bool_not_0_or_1", "neither 0 nor 1", two)


def text_cases() -> None:
    text("text_empty", "expected 'ingot'", TEXT, "")
    text("text_no_version", "expected 'ingot'", "ingot 1\n", "")
    text("text_newer_format", "format version 2", "ingot 1", "ingot 2")
    text("text_newer_numerics", "numerics version 2", "numerics 1", "numerics 2")
    text("text_version_out_of_range", "out of range", "ingot 1", "ingot 99999999999")
    text("text_unknown_declaration", "expected dim, guard", "dim n", "size n")
    text("text_dim_without_range", "expected 'in'", "dim n in 1..8", "dim n")
    text("text_dim_twice", "declared twice", "dim m", "dim n")
    text("text_dim_range_empty", "below the lower end", "1..8", "8..1")
    text("text_dim_bound_too_large", "too large", "1..8", "1..9223372036854775807")
    text("text_dim_unknown", "there is no dim 'q'", "f32[n,4], i", "f32[q,4], i")
    text("text_size_malformed", "size: ", "f32[n - 2,4]", "f32[n - ,4]")
    text("text_guard_without_relation", "expected '==' or '>='", "n - 2 >= 0", "n - 2 > 0")
    text("text_param_twice", "declared twice", "param mask", "param w")
    text("text_second_name_of_nothing", "there is no param", "second = w", "second = v")
    text(
        "text_second_name_of_second",
        "itself a second name",
        "state s",
        "param third = second\nstate s",
    )
    text("text_layout_unknown", "expected 'panel16'", "w: f32[4]", "w: f32[4] layout rows")
    text("text_layout_axis", "names the axes", "w: f32[4]", "w: f32[4] layout panel16(8)")
    text("text_dtype_unknown", "there is no dtype", "f32[4]", "float[4]")
    text("text_state_without_value", "expected '=' and", "s: f32[4] = stored", "s: f32[4]")
    text("text_state_value_unknown", "expected 'zeros' or 'stored'", "= zeros", "= ones")
    text("text_state_stored_empty", "above 0", "f32[4] = stored", "f32[0] = stored")
    text(
        "text_rank_too_high",
        "rank above 8",
        "x: f32[n,4]",
        "x: f32[1,1,1,1,1,1,1,1,1]",
        "LimitError",
    )
    text("text_input_name_taken", "is taken", "x: f32", "w: f32")
    text("text_name_must_be_quoted", "must be quoted", "x: f32", "true: f32")
    text("text_name_with_control_character", "control character", "rows", '"a\\nb"')
    text("text_graph_twice", "declared twice", "%3\n}\n", "%3\n}\ngraph g() {\n  return w\n}\n")
    text("text_op_unknown", "there is no op 'plus'", "add(x", "plus(x")
    text("text_value_undefined", "%9 is not defined above", "sum(%0", "sum(%9")
    text("text_value_before_definition", "%3 is not defined above", "sum(%0", "sum(%3")
    text("text_value_twice", "is defined twice", "%2 = sum", "%0 = sum")
    text("text_value_out_of_scope", "a region that has ended", "return %2\n", "return %4\n")
    text("text_value_number_too_large", "too large", "%2 = sum", "%999999999 = sum", "LimitError")
    text("text_name_undefined", "there is no 'v' above", "add(x, w)", "add(x, v)")
    text("text_attr_missing", "attribute axes is missing", ", axes=[0]", "")
    text("text_attr_unknown", "there is no attribute", ", axes=[0]", ", axis=[0]")
    text("text_attr_twice", "is given twice", ", axes=[0]", ", axes=[0], axes=[0]")
    text("text_attr_wrong_kind", "expected '['", "axes=[0]", "axes=0")
    text(
        "text_attr_integer_too_large",
        "does not fit 64 bits",
        "axes=[0]",
        "axes=[9223372036854775808]",
    )
    text("text_literal_does_not_fit", "does not fit f32", "2.0", "1e999")
    text("text_literal_without_dtype", "needs a dtype", "multiply(%2, 2.0)", "multiply(1, 2.0)")
    text("text_literal_count_differs", "has 2 elements, its type 3", "2.0", "{1, 2}:f32[3]")
    text(
        "text_literal_too_long",
        "more than 16 elements",
        "2.0",
        "{" + "0, " * 16 + "0}:f32[17]",
        "LimitError",
    )
    text("text_region_missing", "expected 'else'", "else()", "other()")
    text("text_update_of_no_state", "there is no state", "update s", "update w")
    text(
        "text_update_in_region",
        "an update inside a region",
        "      return %4",
        "      update s <- %4\n      return %4",
    )
    text("text_output_name_taken", "is taken", "%3\n}", "%3 as rows\n}")
    text("text_string_escape", "unknown escape", '"no"', '"\\q"')
    text("text_line_not_ended", "the end of the line", "param mask", "param v: f32[4] param mask")
    text("text_cut", "the end of the text", "return %1 as rows, %3\n}\n", "")
    text("text_after_the_graph", "expected dim, guard", "%3\n}\n", "%3\n}\n}\n")
    nested = "fused() {\nbody() {\n" * 65 + "return\n}\n}\n" * 65
    text(
        "text_nested_too_deep", "nested deeper than 64", "  abort", nested + "  abort", "LimitError"
    )
    dims = "".join(f"dim d{i} in 0..\n" for i in range(256))
    text("text_too_many_dims", "more than 256 dims", "dim n", dims + "dim n", "LimitError")
    text("text_size_nested_too_deep", "nested too deeply", "guard n", "guard " + "(" * 5000 + "n")
    text("text_name_too_long", "more than 1024 bytes", "rows", "r" * 1025, "LimitError")


def verify_cases() -> None:
    text(
        "type_differs",
        "declared f32[5], inferred f32[4]",
        "axes=[0]) : f32[4]",
        "axes=[0]) : f32[5]",
    )
    text("dtype_differs", "operand dtypes differ", "add(x, w)", "add(x, i)")
    text("operand_count", "wrong number of operands", "add(x, w)", "add(x)")
    text(
        "result_count",
        "got 2 results",
        "%2 = sum(%0, axes=[0]) : f32[4]",
        "%2, %7 = sum(%0, axes=[0]) : f32[4], f32[4]",
    )
    text("attr_out_of_range", "verify: graph 'g': %2", "axes=[0]", "axes=[2]")
    text("shapes_do_not_fit", "do not broadcast", "x: f32[n,4]", "x: f32[n,3]")
    text("guard_missing", "needs the guard", "guard n - 2 >= 0\n", "")
    text("guard_impossible", "holds for no dims", "n - 2 >= 0", "n - 9 >= 0")
    text("size_may_be_negative", "needs the guard n - 4 >= 0", "i: i64[]", "i: i64[n - 4]")
    text("size_negative", "is negative", "i: i64[]", "i: i64[n - 9]")
    text("size_overflows", "overflows 64 bits", "i: i64[]", "i: i64[4294967296,4294967296]")
    text(
        "size_overflows_at_bound",
        "at the dims' upper bounds",
        "i: i64[]",
        "i: i64[n,288230376151711744]",
    )
    text("region_returns_differ", "else", "      return %2", "      return i")
    text("condition_not_bool", "condition", "if(b)", "if(i)")
    text("update_type_differs", "expected f32[4]", "update s <- %3", "update s <- i")
    text("update_twice", "updated twice", "  update s <- %3", "  update s <- %3\n  update s <- %2")
    text("name_reserved", "is reserved", "param second", 'param "ingot.pad.7"')
    text("name_of_metadata", "is reserved", "param second", 'param "__metadata__"')
    text(
        "layout_needs_a_matrix",
        "layout panel16 does not fit f32[4]",
        "param w: f32[4]",
        "param w: f32[4] layout panel16",
    )
    text(
        "layout_axis_twice",
        "layout panel16(1,1) does not fit f32[2,2]",
        "param mask",
        "param more: f32[2,2] layout panel16(1,1)\nparam mask",
    )
    text(
        "layout_of_integers",
        "layout panel16(0,1) does not fit i32[2,2]",
        "param mask",
        "param more: i32[2,2] layout panel16(0,1)\nparam mask",
    )
    start = TEXT.index("graph")
    text("no_graph", "no graph", TEXT[start:], "")


def main() -> None:
    for group in (container_cases, json_cases, tensor_cases, text_cases, verify_cases):
        group()
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.ingot"):
        old.unlink()
    for name, (_, _, data) in cases.items():
        (FOLDER / f"{name}.ingot").write_bytes(data)
    lines = [
        f"{name}.ingot\t{error}\t{words}\n" for name, (error, words, _) in sorted(cases.items())
    ]
    (FOLDER / "expected.txt").write_text("".join(lines))
    print(f"{len(cases)} files")


if __name__ == "__main__":
    main()
