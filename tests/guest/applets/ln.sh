# ln: hard and symbolic links, replacing, directories, errors.
echo data > a; ln a b; ls -l a | awk '{ print $2 }'; echo more >> b; cat a; ln -s a s; readlink s; cat s
ln -s nowhere broken; cat broken; echo status $?; readlink broken; ln -s a s; echo status $?; ln -sf b s; readlink s
mkdir d; ln d hard; echo status $?; ln -s ../a d/up; cat d/up; ln a d; ls d; ln -s d dl; ln -sfn a dl; readlink dl
ln -s loop loop; cat loop; echo status $?; rm a; cat b; ls -l b | awk '{ print $2 }'; readlink -f d/up; echo status $?; readlink b; echo status $?
