// A page with nothing but its header alive.
import { startHeader } from "./header.js";

startHeader();
