using XapiCompat.Datamodel;

namespace XapiCompat.Store;

/// <summary>Rows as they came from the file, to be decoded on another thread.</summary>
internal sealed class RowBatch
{
    private const int Enough = 1 << 19;

    private readonly List<(ClassDef Class, string Reference, long Created, long Modified, int Start, int Length)> _rows = [];
    private byte[] _bytes = new byte[1 << 16];
    private int _used;

    public bool IsFull => _used >= Enough;

    public void Add(ClassDef @class, string reference, long created, long modified, ReadOnlySpan<byte> fields)
    {
        if (_used + fields.Length > _bytes.Length)
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _used + fields.Length));
        fields.CopyTo(_bytes.AsSpan(_used));
        _rows.Add((@class, reference, created, modified, _used, fields.Length));
        _used += fields.Length;
    }

    public List<Record> Decode(RecordCodec codec)
    {
        var records = new List<Record>(_rows.Count);
        foreach (var row in _rows)
            records.Add(new(row.Class, row.Reference, codec.Decode(row.Class, _bytes.AsSpan(row.Start, row.Length)), row.Created, row.Modified));
        return records;
    }
}
