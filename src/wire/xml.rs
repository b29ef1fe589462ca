//! XML as strangers send it: bounded before it is parsed, without DTD and processing instructions; and as we write it.
