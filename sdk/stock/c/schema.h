// What the stock takes and is, for people: ../stock.schema.json.
#ifndef STOCK_SCHEMA_H
#define STOCK_SCHEMA_H

#define SCHEMA \
  "{\"message\":{\"$defs\":{\"change\":{\"additionalProperties\":false,\"properties\":{\"item\":{\"pattern\":\"^[a-z0-9-]{1,32}$\",\"type\":\"string\"},\"n\":{\"maximum\":1000000,\"minimum\":1,\"type\":\"integer\"}},\"required\":[\"item\",\"n\"],\"type\":\"object\"},\"nothing\":{\"maxProperties\":0,\"type\":\"object\"}},\"oneOf\":[{\"additionalProperties\":false,\"properties\":{\"add\":{\"$ref\":\"#/$defs/change\"}},\"required\":[\"add\"],\"type\":\"object\"},{\"additionalProperties\":false,\"properties\":{\"take\":{\"$ref\":\"#/$defs/change\"}},\"required\":[\"take\"],\"type\":\"object\"},{\"additionalProperties\":false,\"properties\":{\"total\":{\"$ref\":\"#/$defs/nothing\"}},\"required\":[\"total\"],\"type\":\"object\"},{\"additionalProperties\":false,\"properties\":{\"remind\":{\"additionalProperties\":false,\"properties\":{\"after\":{\"maximum\":86400000,\"minimum\":1,\"type\":\"integer\"}},\"required\":[\"after\"],\"type\":\"object\"}},\"required\":[\"remind\"],\"type\":\"object\"},{\"additionalProperties\":false,\"properties\":{\"who\":{\"$ref\":\"#/$defs/nothing\"}},\"required\":[\"who\"],\"type\":\"object\"},{\"additionalProperties\":false,\"properties\":{\"fail\":{\"$ref\":\"#/$defs/nothing\"}},\"required\":[\"fail\"],\"type\":\"object\"}]}" \
  ",\"state\":{\"additionalProperties\":false,\"properties\":{\"alert\":{\"pattern\":\"^[ -~]{1,256}$\",\"type\":[\"string\",\"null\"]},\"items\":{\"additionalProperties\":{\"maximum\":1000000,\"minimum\":1,\"type\":\"integer\"},\"propertyNames\":{\"pattern\":\"^[a-z0-9-]{1,32}$\",\"type\":\"string\"},\"type\":\"object\"},\"low\":{\"maximum\":1000000,\"minimum\":0,\"type\":\"integer\"},\"seen\":{\"minimum\":0,\"type\":\"integer\"}},\"required\":[\"alert\",\"items\",\"low\",\"seen\"],\"type\":\"object\"}" \
  ",\"config\":{\"additionalProperties\":false,\"properties\":{\"alert\":{\"pattern\":\"^[ -~]{1,256}$\",\"type\":[\"string\",\"null\"]},\"low\":{\"maximum\":1000000,\"minimum\":0,\"type\":\"integer\"}},\"type\":[\"object\",\"null\"]}" \
  "}"

#endif
