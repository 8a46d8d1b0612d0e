namespace XapiCompat.Wire;

/// <summary>The elements of an XML-RPC call.</summary>
internal enum XmlElement : byte
{
    None,
    MethodCall,
    MethodName,
    Params,
    Param,
    Value,
    Struct,
    Member,
    Name,
    Array,
    Data,
    String,
    Int,
    Boolean,
    Double,
    DateTime,
    Base64,
    Nil,
}

internal static class XmlElements
{
    public const int LongestName = 16;

    /// <summary>The element called <paramref name="name"/>, or <see cref="XmlElement.None"/>.</summary>
    public static XmlElement Find(ReadOnlySpan<byte> name) => name.Length switch
    {
        2 => Is(name, "i4"u8, XmlElement.Int) | Is(name, "i8"u8, XmlElement.Int),
        3 => Is(name, "int"u8, XmlElement.Int) | Is(name, "nil"u8, XmlElement.Nil),
        4 => Is(name, "name"u8, XmlElement.Name) | Is(name, "data"u8, XmlElement.Data),
        5 => Is(name, "value"u8, XmlElement.Value) | Is(name, "param"u8, XmlElement.Param) | Is(name, "array"u8, XmlElement.Array),
        6 => Is(name, "member"u8, XmlElement.Member) | Is(name, "string"u8, XmlElement.String) | Is(name, "struct"u8, XmlElement.Struct)
            | Is(name, "double"u8, XmlElement.Double) | Is(name, "params"u8, XmlElement.Params) | Is(name, "base64"u8, XmlElement.Base64),
        7 => Is(name, "boolean"u8, XmlElement.Boolean),
        10 => Is(name, "methodName"u8, XmlElement.MethodName) | Is(name, "methodCall"u8, XmlElement.MethodCall),
        LongestName => Is(name, "dateTime.iso8601"u8, XmlElement.DateTime),
        _ => XmlElement.None,
    };

    private static XmlElement Is(ReadOnlySpan<byte> name, ReadOnlySpan<byte> expected, XmlElement element) =>
        name.SequenceEqual(expected) ? element : XmlElement.None;
}
