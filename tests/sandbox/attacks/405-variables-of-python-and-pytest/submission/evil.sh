echo HOOKED
