#!/bin/sh
# Takes the place of OpenRC's own gendepends.sh, which at each boot starts a shell and two programs per service to ask it
# what it depends on. The services do not change: they were asked when the image was built.

cat "$RC_LIBEXECDIR/mobyvm-dependencies"
