using XapiCompat.Datamodel;

namespace XapiCompat.Store;

/// <summary>Rows as they came from the file, to be decoded on another thread.</summary>
internal sealed class RowBatch
{
    /// <summary>Bytes; the buffer stays below the size from which on it would be a large object, which collectors treat as old.</summary>
    private const int Enough = 1 << 16;

    private readonly List<Row> _rows = [];
    private byte[] _bytes = new byte[80 << 10];
    private int _used;

    public bool IsFull => _used >= Enough;

    public void Add(ReadOnlySpan<byte> @class, string reference, long created, long modified, ReadOnlySpan<byte> fields)
    {
        if (_used + @class.Length + fields.Length > _bytes.Length)
            Array.Resize(ref _bytes, Math.Max(_bytes.Length, _used + @class.Length + fields.Length));
        @class.CopyTo(_bytes.AsSpan(_used));
        fields.CopyTo(_bytes.AsSpan(_used + @class.Length));
        _rows.Add(new(reference, created, modified, _used, @class.Length, fields.Length));
        _used += @class.Length + fields.Length;
    }

    public List<Record> Decode(Model model, RecordCodec codec)
    {
        var records = new List<Record>(_rows.Count);
        foreach (var row in _rows)
        {
            // A class that a later datamodel dropped takes its objects along.
            if (codec.ClassOf(model, _bytes.AsSpan(row.Start, row.ClassLength)) is { } definition)
                records.Add(new(definition, row.Reference, codec.Decode(definition, _bytes.AsSpan(row.Start + row.ClassLength, row.Length)), row.Created, row.Modified));
        }

        return records;
    }

    private sealed record Row(string Reference, long Created, long Modified, int Start, int ClassLength, int Length);
}
