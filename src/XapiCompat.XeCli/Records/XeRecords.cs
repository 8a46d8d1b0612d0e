namespace XapiCompat.XeCli.Records;

/// <summary>The record tables over one session.</summary>
public abstract class XeRecords
{
    /// <param name="table">Name of the record table, such as <c>vdi</c>.</param>
    public abstract Task<XeRecord> GetAsync(string table, string reference);

    public abstract Task<IReadOnlyList<XeRecord>> AllAsync(string table);
}
