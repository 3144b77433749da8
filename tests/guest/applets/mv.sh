# mv: renaming, replacing, into directories, directories, errors.
echo 1 > a; echo 2 > b; mv a b; ls; cat b; mkdir d; mv b d; ls d; mv d e; ls; cat e/b
echo new > b; mv -n b e; cat e/b; mv b e/b; cat e/b; mkdir f; mv f e; find . | sort
mv nothing x; echo status $?; mv e e/f; echo status $?; echo 1 > x; mv x e/f/y; cat e/f/y
mkdir g h; echo 1 > h/full; mv g h; ls h; mkdir -p k/h; mv -T h k/h 2>&1 | head -1; echo z > z; ln -s z l; mv l m; readlink m
