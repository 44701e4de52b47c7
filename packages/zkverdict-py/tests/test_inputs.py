"""Wrong inputs, contexts and files: one clear error each, with the input's name."""

import pathlib
import tempfile
import unittest
import warnings

import numpy as np
import zkverdict

MODELS = pathlib.Path(__file__).resolve().parents[3] / "test/fixtures/models"


class Inputs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = zkverdict.load(MODELS / "credit_logreg/int8_qdq.onnx")
        cls.name = cls.model.inputs[0].name
        cls.samples = np.load(MODELS / "credit_logreg/samples.npy")
        cls.keys = cls.model.keygen(unsafe_dev_srs=True)

    def refused(self, x, message, error=zkverdict.InputError):
        for use in (self.model.run, self.keys.prove):
            with self.subTest(use.__name__, message=message), self.assertRaisesRegex(error, message):
                use(x)

    def test_wrong_inputs_are_refused_by_name(self):
        good = self.samples[0]
        named = f"input `{self.name}`"
        self.refused(good.ravel()[:-1], f"{named}: .*values, expected shape")
        self.refused(np.where(np.arange(good.size) == 2, np.nan, good.ravel()), f"{named}: value 2 is NaN, expected a finite float32")
        self.refused(np.full(good.shape, 1e300), f"{named}: value 0 is 1e300, expected a finite float32")
        self.refused(good.astype(complex), "complex")
        self.refused({self.name: good.astype(complex)}, f"{named} is an array of complex")
        self.refused({self.name: [[1, 2], [3]]}, f"{named} is no array")
        self.refused({self.name: np.full(good.shape, "a")}, f"{named}: value 0 is a text, expected a number")
        self.refused({self.name: object()}, f"{named} is an array of object")
        self.refused({"z": good}, f"(?s)there is no input `z`.*`{self.name}`")
        self.refused({self.name: good, "z": good}, "there is no input `z`")
        self.refused({}, "no input is given")
        self.refused(None, "(no input|array of object)")

    def test_what_numpy_takes_is_taken(self):
        expected = self.model.run(self.samples[0]).output.quantized
        for same in (self.samples[0].tolist(), self.samples[0].astype(np.float64), np.asfortranarray(self.samples[0]), self.samples[0].astype(">f4")):
            np.testing.assert_array_equal(self.model.run(same).output.quantized, expected)

    def test_several_inferences_are_not_proved_by_keys_of_one(self):
        with self.assertRaisesRegex(zkverdict.InputError, r"(?s)the input holds 3 inferences.*hint: .*batch=N"):
            self.keys.prove(self.samples[:3])

    def test_values_beyond_the_range_are_warned_of(self):
        with self.assertWarnsRegex(zkverdict.RangeWarning, "values of the input are beyond") as caught:
            self.model.run(self.samples[0] + 1e6)
        self.assertEqual(caught.filename, __file__)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            self.model.run(self.samples[0])

    def test_contexts_are_field_elements(self):
        modulus = 0x30644E72E131A029B85045B68181585D2833E84879B9709143E1F593F0000001
        for context in (-1, modulus, 1 << 256, "7", "0xg", b"7", 1.5, [1, 2]):
            with self.subTest(context), self.assertRaisesRegex(zkverdict.InputError, "context"):
                self.keys.prove(self.samples[0], context=context)
        proof = self.keys.prove(self.samples[0], context=modulus - 1)
        self.assertIs(self.keys.verify(proof, context=np.array(modulus - 1, dtype=object).item()), True)

    def test_wrong_files_are_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "x"
            with self.assertRaisesRegex(zkverdict.FileError, "(?s)`.*x`.*hint: check the path") as caught:
                zkverdict.load(path)
            self.assertIsInstance(caught.exception, OSError)
            path.write_bytes(b"no model")
            with self.assertRaisesRegex(zkverdict.ModelError, "ONNX") as caught:
                zkverdict.load(path)
            self.assertIsInstance(caught.exception, zkverdict.ZkverdictError)
            with self.assertRaisesRegex(zkverdict.ProofError, "it is no proof file"):
                zkverdict.load_proof(path)
            path.write_text('{"vk_digest": "0x"}')
            with self.assertRaisesRegex(zkverdict.ProofError, "`proof` is missing"):
                zkverdict.load_proof(path)
            with self.assertRaisesRegex(zkverdict.BundleError, "is not a bundle"):
                zkverdict.load_keys(path)
            # Nothing is half-written where something else lies.
            with self.assertRaises(zkverdict.ZkverdictError):
                self.keys.save(path)
            self.assertEqual([own.name for own in pathlib.Path(folder).iterdir()], ["x"])
        with self.assertRaisesRegex(zkverdict.OptionError, "a model is a path, bytes"):
            zkverdict.load(7)


class Export(unittest.TestCase):
    def test_objects_that_nobody_exports_are_refused(self):
        with self.assertRaisesRegex(zkverdict.ExportError, "no exporter is known for builtins.dict"):
            zkverdict.export({}, np.zeros((1, 2)))

    def test_a_missing_package_is_named(self):
        class Booster:
            __module__ = "xgboost.core"

        try:
            import onnxmltools  # noqa: F401

            self.skipTest("onnxmltools is installed here")
        except ImportError:
            pass
        with self.assertRaisesRegex(zkverdict.MissingPackage, "(?s)an XGBoost model, the package `onnxmltools` is needed.*hint: pip install onnxmltools") as caught:
            zkverdict.export(Booster(), np.zeros((1, 2), np.float32))
        self.assertIsInstance(caught.exception, ImportError)


if __name__ == "__main__":
    unittest.main()
