# find: types, names, sizes, depth, actions.
mkdir -p a/b/c; echo 1 > a/one.txt; echo 22222 > a/b/two.txt; : > a/b/c/empty; ln -s a link; mkfifo a/fifo; chmod 600 a/one.txt
find . | sort; find a -type f | sort; find . -type l; find . -type d | sort; find . -type p
find . -name '*.txt' | sort; find . -iname 'ONE*'; find . -maxdepth 1 | sort; find . -mindepth 3 | sort
find . -size -2c -type f | sort; find . -empty | sort; find . -perm 600; find a -path '*b*' | sort; find . -newer a/one.txt -name nothing
find . -name '*.txt' -exec echo found {} \; | sort; find . -name '*.txt' -exec echo {} + | tr ' ' '\n' | sort; find . -type f -print0 | tr '\0' '\n' | sort
find . -name b -prune -o -type f -print | sort; find . ! -type d | sort; find . -name c -o -name fifo | sort
find . -depth | tail -1; find a/b -delete; find . | sort; find nothing; echo status $?; find . -inum 0; find . -links 1 -type f | sort
