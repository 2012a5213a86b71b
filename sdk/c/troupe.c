// The whole SDK in one file to compile with an actor.

#include "actor.c"
#include "json.c"
#include "memory.c"
#include "text.c"
#include "bindings/whole_web_actor.c"
