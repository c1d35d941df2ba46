exports.init = (context, callback) => callback(null, "");
exports.freeze = (context, callback) => callback(null, "");
exports.stop = (context, callback) => callback(null, "");
exports.handler = (event, context, callback) => callback(null, event.toString());
