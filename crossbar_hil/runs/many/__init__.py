"""Many runs: listed, sorted and filtered, and laid side by side."""
