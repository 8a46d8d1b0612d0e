namespace XapiCompat.XeCli.Tables;

/// <summary>How a field is filtered and written.</summary>
public enum FieldKind
{
    Scalar,
    Set,
    Map,
}
