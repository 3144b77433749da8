# mkdir: modes, parents, umask, errors.
mkdir a; ls -ld a | cut -c1-10; mkdir a; echo status $?; mkdir -p a/b/c a; find a | sort
mkdir -m 700 m; ls -ld m | cut -c1-10; umask 077; mkdir u; ls -ld u | cut -c1-10; mkdir x/y; echo status $?
echo > f; mkdir f/g; echo status $?; mkdir ''; echo status $?; mkdir t/ && ls; ls -ld a | awk '{ print $2 }'
