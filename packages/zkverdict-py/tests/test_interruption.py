"""Ctrl-C, callbacks that raise, and other threads while a proof is made."""

import _thread
import pathlib
import subprocess
import sys
import tempfile
import textwrap
import threading
import unittest

import numpy as np
import zkverdict

MODELS = pathlib.Path(__file__).resolve().parents[3] / "test/fixtures/models"


class Interruption(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = zkverdict.load(MODELS / "digits_mlp/int8_qdq.onnx")
        cls.x = np.load(MODELS / "digits_mlp/samples.npy")[0]
        cls.keys = cls.model.keygen(unsafe_dev_srs=True)

    def test_ctrl_c_ends_a_proof(self):
        seen = []

        def interrupt(progress):
            seen.append(progress.stage)
            if progress.stage == "witness":
                _thread.interrupt_main()

        with self.assertRaises(KeyboardInterrupt):
            self.keys.prove(self.x, progress=interrupt)
        self.assertNotIn("opening", seen)
        # The keys are as they were.
        self.assertIs(self.keys.verify(self.keys.prove(self.x)), True)

    def test_ctrl_c_of_a_process_leaves_nothing_behind(self):
        """A signal from outside, as a terminal sends it."""
        script = textwrap.dedent(
            """
            import os, signal, sys, numpy as np, zkverdict
            model, x = zkverdict.load(sys.argv[1]), np.load(sys.argv[2])[0]
            keys = model.keygen(unsafe_dev_srs=True)
            try:
                keys.prove(x, progress=lambda progress: os.kill(os.getpid(), signal.SIGINT)).save("p.json")
            except KeyboardInterrupt:
                sys.exit(77)
            """
        )
        with tempfile.TemporaryDirectory() as folder:
            arguments = [MODELS / "digits_mlp/int8_qdq.onnx", MODELS / "digits_mlp/samples.npy"]
            ended = subprocess.run([sys.executable, "-c", script, *arguments], cwd=folder, capture_output=True, text=True)
            self.assertEqual(ended.returncode, 77, ended.stderr)
            self.assertEqual(list(pathlib.Path(folder).iterdir()), [])

    def test_what_a_callback_raises_ends_the_work(self):
        def refuse(progress):
            raise LookupError(progress.stage)

        with self.assertRaisesRegex(LookupError, "witness"):
            self.keys.prove(self.x, progress=refuse)
        with self.assertRaisesRegex(LookupError, "planning"):
            self.model.keygen(unsafe_dev_srs=True, progress=refuse)

    def test_other_threads_run_meanwhile(self):
        started, seen, is_proving = threading.Event(), [], [True]

        def look():
            started.wait()
            seen.append(is_proving[0])

        thread = threading.Thread(target=look)
        thread.start()
        started.set()
        proof = self.keys.prove(self.x)
        is_proving[0] = False
        thread.join()
        self.assertEqual(seen, [True])
        self.assertIs(self.keys.verify(proof), True)

    def test_proofs_are_made_in_any_thread(self):
        proofs = []
        threads = [threading.Thread(target=lambda: proofs.append(self.keys.prove(self.x))) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([self.keys.verify(proof) for proof in proofs], [True, True])


if __name__ == "__main__":
    unittest.main()
