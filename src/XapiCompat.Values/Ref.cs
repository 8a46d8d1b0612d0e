namespace XapiCompat.Values;

/// <summary>An opaque object reference, <c>OpaqueRef:</c> and a uuid. Unknown text is kept as it came: refs are checked where they are used.</summary>
public readonly record struct Ref(string Text)
{
    public const string Prefix = "OpaqueRef:";

    public static Ref Null { get; } = new("OpaqueRef:NULL");

    public bool IsNull => Text is null or "OpaqueRef:NULL" or "";

    public static Ref Of(Guid id) => new(Prefix + id.ToString("D"));

    public override string ToString() => Text ?? Null.Text;
}
