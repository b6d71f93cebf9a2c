from localfleet.cli import main

raise SystemExit(main())
