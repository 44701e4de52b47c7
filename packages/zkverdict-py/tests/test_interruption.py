"""Ctrl-C, callbacks that raise, and other threads while a proof is made."""

import _thread
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import unittest

import numpy as np
import zkverdict

MODELS = pathlib.Path(__file__).resolve().parents[3] / "test/fixtures/models"


def threads(seconds=0.0):
    """How many the process has after a moment, those of the extension too."""
    time.sleep(seconds)
    return len(os.listdir("/proc/self/task"))


class Interruption(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # A shell has what it starts in the background ignore it, and so does what that starts.
        cls.addClassCleanup(signal.signal, signal.SIGINT, signal.signal(signal.SIGINT, signal.default_int_handler))
        cls.model = zkverdict.load(MODELS / "digits_mlp/int8_qdq.onnx")
        cls.x = np.load(MODELS / "digits_mlp/samples.npy")[0]
        cls.keys = cls.model.keygen(unsafe_dev_srs=True)

    def while_proving(self, look):
        """Makes a proof, and calls `look` over and over in another thread meanwhile."""
        done = threading.Event()

        def watch():
            while not done.wait(0.001):
                look()

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            return self.keys.prove(self.x)
        finally:
            done.set()
            thread.join()

    def work_seen(self, look_from):
        """Whether the thread of a proof is there to be seen from where `look_from` lets one look."""
        self.keys.prove(self.x)
        # Once the thread of that one is gone; with the one that looks.
        idle, seen = min(map(threads, 50 * [0.002])) + 1, set()
        proof = look_from(lambda: seen.add(threads() > idle))
        self.assertIs(self.keys.verify(proof), True)
        return True in seen

    @unittest.skipUnless(os.path.isdir("/proc/self/task"), "threads are counted there")
    def test_other_threads_run_meanwhile(self):
        self.assertTrue(self.work_seen(self.while_proving))

    @unittest.skipUnless(os.path.isdir("/proc/self/task"), "threads are counted there")
    def test_signals_are_handled_meanwhile(self):
        def from_handler(look):
            before = signal.signal(signal.SIGUSR1, lambda *_: look())
            try:
                return self.while_proving(lambda: os.kill(os.getpid(), signal.SIGUSR1))
            finally:
                signal.signal(signal.SIGUSR1, before)

        self.assertTrue(self.work_seen(from_handler))

    def test_ctrl_c_ends_a_proof(self):
        """It is pressed while no line of Python is run."""
        started = threading.Event()
        thread = threading.Thread(target=lambda: (started.wait(), _thread.interrupt_main()))
        thread.start()
        with self.assertRaises(KeyboardInterrupt):
            started.set()
            self.keys.prove(self.x)
            thread.join()
        thread.join()
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
