"""What `compile` prints."""


def test_the_report_has_the_keys_of_the_contract(document):
    found = document(
        "compile", "x * sigmoid(beta * x)", "--report", "--dtype", "bf16", "--block", "2048", "--warps", "8",
        "--target", "sm_90",
    )  # fmt: skip
    assert found["expression"] == "x * sigmoid(beta * x)"
    assert {"saved_bits_per_element", "max_ulp_forward", "max_ulp_gradient"} <= set(found)
    for direction in ("forward", "backward"):
        assert {
            "bytes_per_element", "minimum_bytes_per_element", "wide_access_share", "instructions_per_element",
            "mufu_per_element", "divisions_per_element", "registers", "spills", "f64_instructions", "atomics",
        } <= set(found[direction])  # fmt: skip
        assert found[direction]["wide_access_share"] == 1


def test_the_report_is_a_table_to_read(text):
    shown = text("compile", "silu(x)", "--report", "--target", "gfx942")
    for words in ("bytes an element", "special functions", "MI300X", "saved for the backward: 32 bits an element"):
        assert words in shown


def test_amd_has_machine_code_of_its_own(text):
    shown = text("compile", "silu(x)", "--emit", "sass", "--target", "gfx942")
    assert "global_load_dwordx4" in shown
