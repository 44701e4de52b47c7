"""From an ONNX file to a verified proof, a rendered contract and its gas."""

import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import warnings
from decimal import Decimal

import numpy as np
import zkverdict

ROOT = pathlib.Path(__file__).resolve().parents[3]
MODELS = ROOT / "test/fixtures/models"


def fixture(name):
    """A model, its samples, and what onnxruntime answers."""
    folder = MODELS / name
    return folder / "int8_qdq.onnx", np.load(folder / "samples.npy"), np.load(folder / "int8_qdq.expected.npy")


class Path(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        path, cls.samples, cls.expected = fixture("digits_mlp")
        cls.model = zkverdict.load(path, name="digits_mlp")
        cls.stages = []
        cls.keys = cls.model.keygen(unsafe_dev_srs=True, progress=lambda progress: cls.stages.append(progress.stage))
        cls.proof = cls.keys.prove(cls.samples[0], context=7)

    def setUp(self):
        made = tempfile.TemporaryDirectory()
        self.addCleanup(made.cleanup)
        self.folder = pathlib.Path(made.name)

    def test_outputs_are_those_of_onnxruntime(self):
        for inference, expected in zip(self.model.run(self.samples), self.expected):
            np.testing.assert_array_equal(inference.output.quantized.ravel(), expected.ravel())
        alone = self.model.run({self.model.inputs[0].name: self.samples[2]})
        np.testing.assert_array_equal(alone.output.quantized.ravel(), self.expected[2].ravel())

    def test_a_proof_says_what_was_proved(self):
        (output,) = self.proof.outputs.values()
        np.testing.assert_array_equal(output.quantized.ravel(), self.expected[0].ravel())
        self.assertEqual(output.quantized.dtype, np.int32)
        self.assertEqual(self.proof.context, 7)
        self.assertIs(self.keys.verify(self.proof), True)
        self.assertIs(self.keys.verify(self.proof, context="0x7"), True)
        self.assertIs(self.keys.verify(self.proof, context=(7).to_bytes(32, "big")), True)
        with self.assertRaisesRegex(zkverdict.ProofError, "its context is `0x0+7`, expected `0x0+8`"):
            self.keys.verify(self.proof, context=8)

    def test_a_changed_proof_is_refused(self):
        proof = bytearray(self.proof.proof)
        proof[-1] ^= 1
        changed = dataclasses.replace(self.proof, proof=bytes(proof))
        self.assertNotEqual(changed, self.proof)
        with self.assertRaisesRegex(zkverdict.ProofError, "the proof is not valid"):
            self.keys.verify(changed)
        one_more = int.from_bytes(self.proof.instances[-1], "big") + 1
        instances = (*self.proof.instances[:-1], one_more.to_bytes(32, "big"))
        with self.assertRaisesRegex(zkverdict.ProofError, "does not prove its instances"):
            self.keys.verify(dataclasses.replace(self.proof, instances=instances, inferences=(), calldata=b""))
        with self.assertRaisesRegex(zkverdict.ProofError, "the proof has 3 bytes, expected"):
            self.keys.verify(dataclasses.replace(self.proof, proof=b"abc"))
        # What is said beside the proof counts too.
        with self.assertRaisesRegex(zkverdict.ProofError, "contradicts it: `context`"):
            self.keys.verify(dataclasses.replace(self.proof, contexts=(8,)))
        with self.assertRaisesRegex(zkverdict.ProofError, "made under key"):
            self.keys.verify(dataclasses.replace(self.proof, vk_digest="0x" + 64 * "0"))

    def test_files_are_those_of_the_command(self):
        self.keys.save(self.folder / "m.zkv")
        self.proof.save(self.folder / "p.json")
        said = self.command("--json", "verify", "m.zkv", "p.json", "--context", "0x7")
        self.assertTrue(json.loads(said.stdout)["valid"], said.stderr)
        self.assertEqual(self.command("verify", "m.zkv", "p.json", "--context", "0x8").returncode, 1)
        self.assertEqual(self.command("verify", "m.zkv", "missing.json").returncode, 2)
        keys = zkverdict.load_keys(self.folder / "m.zkv")
        self.assertEqual(keys.summary, self.keys.summary)
        self.assertEqual(zkverdict.load_proof(self.folder / "p.json"), self.proof)
        self.assertIs(keys.verify(keys.prove(self.samples[1])), True)
        with self.assertRaisesRegex(zkverdict.OptionError, "those of the bundle"):
            keys.save(self.folder / "again.zkv")
        (self.folder / "m.zkv/vk.bin").write_bytes(b"\0")
        with self.assertRaisesRegex(zkverdict.BundleError, "(?s)damaged.*hint: make the bundle again"):
            zkverdict.load_keys(self.folder / "m.zkv")

    def command(self, *arguments):
        command = [sys.executable, "-m", "zkverdict", *arguments]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True)

    def test_the_command_is_there(self):
        self.assertEqual(self.command("--version").stdout.split(), ["zkverdict", zkverdict.__version__])
        script = pathlib.Path(sys.executable).with_name("zkverdict")
        self.assertIn("Usage: zkverdict", subprocess.run([script, "--help"], capture_output=True, text=True).stdout)
        wrong = self.command("--json", "prove")
        self.assertEqual(wrong.returncode, 2)
        self.assertIn("error", json.loads(wrong.stderr))

    def test_the_contract_is_rendered_and_costs_gas(self):
        rendered = self.keys.render(self.folder / "contracts")
        self.assertEqual(rendered.name, "DigitsMlpVerifier")
        self.assertIn("contract DigitsMlpVerifier", pathlib.Path(rendered.contract).read_text())
        self.assertIsNone(rendered.abi)
        compiled = self.keys.render(self.folder / "compiled", solc=ROOT / "tools/solc")
        self.assertEqual(len(pathlib.Path(compiled.bytecode).read_text()), 2 + 2 * compiled.init_bytes)
        osaka, prague = self.keys.gas(self.proof, fork=["osaka", "prague"], solc=ROOT / "tools/solc")
        self.assertTrue(osaka.accepted and prague.accepted)
        self.assertEqual(sum(osaka.phases.values()), osaka.total)
        plan = self.model.inspect().plan
        self.assertLess(abs(plan.verify_gas - osaka.total) / osaka.total, 0.05)
        self.assertEqual(plan.k, self.keys.summary.k)
        with self.assertRaisesRegex(zkverdict.ContractError, "`shanghai` is not known"):
            self.keys.gas(self.proof, fork="shanghai")

    def test_progress_comes_in_order(self):
        self.assertEqual(self.stages, ["planning", "reference string", "keys"])
        seen = []
        self.keys.prove(self.samples[0], progress=seen.append)
        stages = [progress.stage for progress in seen]
        self.assertEqual((stages[0], stages[-1]), ("witness", "opening"))
        self.assertLess(stages.index("commitments"), stages.index("quotient"))
        times = [progress.seconds for progress in seen]
        self.assertEqual(times, sorted(times))

    def test_the_key_is_that_of_the_model(self):
        self.assertGreater(self.keys.certify(self.model).constraints, 0)
        other = zkverdict.load(fixture("credit_logreg")[0])
        with self.assertRaises(zkverdict.KeysError):
            self.keys.certify(other)

    def test_nothing_that_holds_an_input_shows_it(self):
        self.assertEqual(
            repr(self.proof),
            f"Proof(vk_digest='{self.keys.digest}', format='packed', contexts=(7,), names=mappingproxy({{}}), "
            f"hashes=mappingproxy({{}}), weights=None, seconds={self.proof.seconds})",
        )
        self.assertIn(self.keys.digest, repr(self.keys))
        self.assertTrue(self.keys.is_unsafe)


class Options(unittest.TestCase):
    """Other keys, of a model that takes a moment."""

    @classmethod
    def setUpClass(cls):
        path, cls.samples, cls.expected = fixture("credit_logreg")
        cls.model = zkverdict.load(path.read_bytes())

    def test_inputs_can_be_private_and_outputs_claimed(self):
        output = self.model.outputs[0].name
        keys = self.model.keygen(unsafe_dev_srs=True, input_visibility="private", claims=f"{output}=threshold")
        proof = keys.prove(self.samples[0], choose={output: 0.0})
        self.assertIs(keys.verify(proof), True)
        self.assertEqual(proof.inferences[0].outputs, {})
        (claim,) = proof.inferences[0].claims.values()
        self.assertTrue(claim["holds"])
        with self.assertRaisesRegex(zkverdict.OptionError, f"what `{output}` is compared with is missing"):
            keys.prove(self.samples[0])
        with self.assertRaisesRegex(zkverdict.OptionError, "`other` is compared with nothing"):
            keys.prove(self.samples[0], choose={output: 1, "other": 2})

    def test_batches(self):
        keys = self.model.keygen(unsafe_dev_srs=True, batch=2)
        proof = keys.prove(self.samples[:2].reshape(2, -1), context=[1, 2])
        self.assertIs(keys.verify(proof, context=[1, 2]), True)
        for inference, expected in zip(proof.inferences, self.expected):
            np.testing.assert_array_equal(inference.output.quantized.ravel(), expected.ravel())
        with self.assertRaisesRegex(zkverdict.InputError, "1 contexts are given, a proof of these keys has 2"):
            keys.prove(self.samples[:2], context=1)
        with self.assertRaisesRegex(zkverdict.OptionError, "a batch of 0"):
            self.model.keygen(unsafe_dev_srs=True, batch=0)
        self.assertGreater(keys.certify(self.model).constraints, 0)

    def test_committed_inputs(self):
        name = self.model.inputs[0].name
        keys = self.model.keygen(unsafe_dev_srs=True, format="packed", inputs={name: "committed"})
        commitment = keys.commit(self.samples[0])
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "c.json")
            commitment.save(path)
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
            secret = json.loads(pathlib.Path(path).read_text())["blinding"]
            with self.assertRaisesRegex(zkverdict.OptionError, "is there already"):
                commitment.save(path)
            commitment = zkverdict.Commitment.load(path)
        self.assertNotIn(secret[2:], repr(commitment) + repr(vars(commitment)) + repr(commitment._native))
        proof = keys.prove(commitments=[commitment])
        self.assertIs(keys.verify(proof), True)
        self.assertEqual(proof.names, {name: commitment.name})
        with self.assertRaisesRegex(zkverdict.InputError, "no commitment to it is given"):
            keys.prove(self.samples[0])
        other = self.model.keygen(unsafe_dev_srs=True)
        with self.assertRaisesRegex(zkverdict.InputError, "is not committed in this bundle"):
            other.prove(self.samples[0], commitments=[commitment])

    def test_data_in_the_units_of_a_schema(self):
        project = ROOT / "templates/project/credit"
        model = zkverdict.load(project / "model.onnx")
        keys = model.keygen(unsafe_dev_srs=True, format="packed", inputs={"features": "committed"})
        schema, data = project / "schema.json", json.loads((project / "sound.json").read_text())
        made = tempfile.TemporaryDirectory()
        self.addCleanup(made.cleanup)
        folder = pathlib.Path(made.name)

        def words(x, **how):
            path = folder / f"{len(list(folder.iterdir()))}.json"
            keys.commit(x, **how).save(path)
            return json.loads(path.read_text())["words"]

        expected = words(np.array([48, 14, 6, 0, 60, 41, 22], np.int8))
        kinds = {"income": Decimal("4.8E+3"), "fixed_costs": "1400.00", "debts": np.int64(6000), "age": 41.0, "employed": np.float64(180)}
        for x in (data, {**data, **kinds}):
            self.assertEqual(words(x, schema=schema), expected)
        self.assertEqual(words(data, schema=schema.read_bytes()), expected)
        for change, why in (
            ({"income": 73219}, "`income` is not from 0 to 12700"),
            ({"age": Decimal("41.7321")}, "`age` is no whole number of steps of 1"),
            ({"age": None}, "`age` is `null`"),
            ({"age": float("nan")}, "no finite number"),
            ({"age": {7321}}, "a set is no value of a field"),
            ({"height": 1}, "`height` is no field"),
        ):
            with self.assertRaisesRegex(zkverdict.InputError, why) as caught:
                keys.commit({**data, **change}, schema=schema)
            self.assertNotIn("7321", str(caught.exception))
        with self.assertRaisesRegex(zkverdict.InputError, "it is no schema"):
            keys.commit(data, schema=b"{}")
        with self.assertRaisesRegex(zkverdict.FileError, "missing.json"):
            keys.commit(data, schema=folder / "missing.json")
        batch = model.keygen(unsafe_dev_srs=True, format="packed", inputs={"features": "hashed"}, batch=2)
        self.assertEqual(len(batch.commit_each([data, data], schema=schema)), 2)
        with self.assertRaisesRegex(zkverdict.InputError, "it holds 1 inferences"):
            batch.commit_each(data, schema=schema)

    def test_hashed_inputs(self):
        name = self.model.inputs[0].name
        keys = self.model.keygen(unsafe_dev_srs=True, inputs={name: "hashed"})
        first, second = (keys.prove(self.samples[0]) for _ in range(2))
        self.assertNotEqual(first.hashes, second.hashes)
        hidden = keys.commit(self.samples[0])
        self.assertTrue(hidden.is_hash)
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "h.json"
            hidden.save(path)
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
            secret = json.loads(path.read_text())["blinding"]
            hidden = zkverdict.Commitment.load(path)
        self.assertNotIn(secret[2:], repr(hidden) + repr(vars(hidden)) + repr(hidden._native))
        for x in (None, self.samples[0]):
            proof = keys.prove(commitments=[hidden]) if x is None else keys.prove({name: x})
            self.assertIs(keys.verify(zkverdict.Proof.from_json(proof.to_json())), True)
            self.assertEqual(proof.hashes == {name: hidden.name}, x is None)
        self.assertEqual(keys.certify(self.model).hashes, 1)
        with self.assertRaisesRegex(zkverdict.InputError, "is not hashed in this bundle"):
            self.model.keygen(unsafe_dev_srs=True).prove(self.samples[0], commitments=[hidden])
        with self.assertRaisesRegex(zkverdict.InputError, "2 (commitments to|hashes of) the input"):
            keys.prove(commitments=[hidden, hidden])

    def test_hashes_of_a_batch(self):
        keys = self.model.keygen(unsafe_dev_srs=True, format="packed", input_visibility="hashed", batch=2)
        each = keys.commit_each(self.samples[:2].reshape(2, -1))
        proof = keys.prove(commitments=each, context=[1, 2])
        self.assertIs(keys.verify(zkverdict.Proof.from_json(proof.to_json()), context=[1, 2]), True)
        (name,) = keys.summary.inputs
        self.assertEqual([said.hashes[name] for said in proof.inferences], [one.name for one in each])
        for inference, expected in zip(proof.inferences, self.expected):
            np.testing.assert_array_equal(inference.output.quantized.ravel(), expected.ravel())
        with self.assertRaisesRegex(zkverdict.OptionError, "as many hashes"):
            keys.commit(self.samples[:2].reshape(2, -1))
        with self.assertRaisesRegex(zkverdict.InputError, "1 hashes of .* takes 2"):
            keys.prove(commitments=each[:1], context=[1, 2])

    def test_committed_weights(self):
        keys = self.model.keygen(unsafe_dev_srs=True, format="packed", weights="committed")
        weights = keys.commit_weights(self.model)
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "w.json"
            weights.save(path)
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
            secret = json.loads(path.read_text())["blindings"][0]
            loaded = zkverdict.Weights.load(path)
        self.assertEqual((loaded.name, loaded.vk_digest), (weights.name, keys.digest))
        self.assertNotIn(secret[2:], repr(loaded) + repr(vars(loaded)) + repr(loaded._native))
        proof = keys.prove(self.samples[0], weights=loaded)
        np.testing.assert_array_equal(proof.inferences[0].output.quantized.ravel(), self.expected[0].ravel())
        self.assertEqual(proof.weights, weights.name)
        self.assertIs(keys.verify(zkverdict.Proof.from_json(proof.to_json()), weights=weights.name), True)
        with self.assertRaisesRegex(zkverdict.ProofError, "is about the weights"):
            keys.verify(proof, weights=keys.commit_weights(self.model).name)
        with self.assertRaisesRegex(zkverdict.InputError, "no commitment to any is given"):
            keys.prove(self.samples[0])
        other = self.model.keygen(unsafe_dev_srs=True)
        with self.assertRaisesRegex(zkverdict.InputError, "those of these keys are their model's"):
            other.prove(self.samples[0], weights=weights)
        with self.assertRaisesRegex(zkverdict.OptionError, "those of their model"):
            other.commit_weights(self.model)
        self.assertGreater(keys.certify(self.model).weights, 0)

    def test_what_is_asked_for_is_checked(self):
        for options, error, message in [
            ({}, zkverdict.KeysError, "(?s)none is given, for k = .*hint: give `--srs FILE`"),
            ({"srs": "missing.ptau"}, zkverdict.FileError, "`missing.ptau`"),
            ({"srs": "x", "unsafe_dev_srs": True}, zkverdict.OptionError, "asked for too"),
            ({"unsafe_dev_srs": True, "optimize": "size"}, zkverdict.OptionError, "unknown variant `size`, expected one of `speed`"),
            ({"unsafe_dev_srs": True, "format": "zip"}, zkverdict.OptionError, "`zip`"),
            ({"unsafe_dev_srs": True, "inputs": {"z": "private"}}, zkverdict.OptionError, "the model has no input `z`"),
            ({"unsafe_dev_srs": True, "inputs": {self.model.inputs[0].name: "shown"}}, zkverdict.OptionError, "`shown`"),
            ({"unsafe_dev_srs": True, "claims": ["z=argmax"]}, zkverdict.OptionError, "`z`"),
            ({"unsafe_dev_srs": True, "k": 3}, zkverdict.CircuitError, "rows"),
            ({"unsafe_dev_srs": True, "k": "x"}, zkverdict.OptionError, "expected u32"),
        ]:
            with self.subTest(options), self.assertRaisesRegex(error, message):
                self.model.keygen(**options)


class Quantize(unittest.TestCase):
    def test_a_float_model_is_quantized(self):
        float_model = ROOT / "test/fixtures/prices/credit_mlp.onnx"
        with np.load(float_model.with_suffix(".npz")) as archive:
            examples = {name: archive[name] for name in archive.files if name != "y"}
        model = zkverdict.quantize(float_model, examples)
        self.assertGreater(model.report.agreement, 0.9)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "m.onnx")
            model.save(path)
            with self.assertRaisesRegex(zkverdict.OptionError, "is there already"):
                model.save(path)
            self.assertEqual(zkverdict.load(path).onnx, model.onnx)
        labels = np.zeros(len(next(iter(examples.values()))))
        self.assertIsNotNone(zkverdict.quantize(float_model, next(iter(examples.values())), labels=labels).report.quantized_accuracy)
        again = zkverdict.quantize(float_model, examples, scales_of=model)
        self.assertEqual(again.onnx, model.onnx)
        with self.assertRaisesRegex(zkverdict.ModelError, "(?s)hint: quantize the model to int8 first"):
            zkverdict.load(float_model)
        with self.assertRaises(zkverdict.InputError):
            zkverdict.quantize(float_model, {name: values[:, :1] for name, values in examples.items()})


if __name__ == "__main__":
    warnings.simplefilter("error")
    unittest.main()
