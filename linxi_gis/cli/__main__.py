"""`python -m linxi_gis.cli` is `linxi`."""

from linxi_gis.cli import main

if __name__ == "__main__":
    main()
