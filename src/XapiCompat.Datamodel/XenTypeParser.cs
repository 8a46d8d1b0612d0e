namespace XapiCompat.Datamodel;

/// <summary>Reads the type texts of xapi-spec, such as <c>(string -> VDI ref) map</c>.</summary>
internal sealed class XenTypeParser(IReadOnlyDictionary<string, EnumType> enums)
{
    private readonly Dictionary<string, XenType> _known = new(StringComparer.Ordinal);

    public XenType Parse(string text)
    {
        if (!_known.TryGetValue(text, out var type))
            _known[text] = type = Make(text);
        return type;
    }

    private XenType Make(string text)
    {
        switch (text)
        {
            case "string" or "secret string":
                return new StringType();
            case "int":
                return new IntType();
            case "float":
                return new FloatType();
            case "bool":
                return new BoolType();
            case "datetime":
                return new DateTimeType();
            case "<object record>":
                return new RecordType("object");
        }

        if (text.EndsWith(" map", StringComparison.Ordinal))
        {
            var inner = text[1..^5];
            var arrow = inner.IndexOf(" -> ", StringComparison.Ordinal);
            return new MapType(Parse(inner[..arrow]), Parse(inner[(arrow + 4)..]));
        }

        if (text.EndsWith(" set", StringComparison.Ordinal))
            return new SetType(Parse(text[..^4]));
        if (text.EndsWith(" option", StringComparison.Ordinal))
            return new OptionType(Parse(text[..^7]));
        if (text.EndsWith(" ref", StringComparison.Ordinal))
            return new RefType(text[..^4]);
        if (text.EndsWith(" record", StringComparison.Ordinal))
            return new RecordType(text[..^7]);
        if (text.StartsWith("enum ", StringComparison.Ordinal))
            return enums[text[5..]];
        throw new InvalidDataException("xapi-spec has an unknown type: " + text);
    }
}
