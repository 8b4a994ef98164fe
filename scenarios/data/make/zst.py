"""Read and write zstd CSV through the `zstd` command (no Python package needed)."""
import subprocess


def read_lines(path):
    """Lines of a zstd text file, without line ends."""
    out = subprocess.run(["zstd", "-dcq", str(path)], check=True, capture_output=True)
    return out.stdout.decode("ascii").splitlines()


def write_text(path, text):
    """Write `text` to `path`, compressed with `zstd -19`."""
    subprocess.run(["zstd", "-19", "-q", "-f", "-o", str(path)], check=True, input=text.encode("ascii"))
