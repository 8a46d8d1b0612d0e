using System.Globalization;
using Microsoft.Data.Sqlite;
using XapiCompat.Datamodel;

namespace XapiCompat.Store;

/// <summary>
/// The database file of a store, opened and read on a thread of its own, so that a server can prepare meanwhile. A store that
/// is made of it owns it.
/// </summary>
public sealed class RecordFile : IAsyncDisposable
{
    // Commits without durable content do not write the generation; a restart continues above everything handed out.
    internal const long GenerationBlock = 1_000_000;

    internal const string Generation = "generation";

    private readonly TaskCompletionSource<Model> _model = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task<OpenedFile> _opened;
    private readonly Task<List<Task<List<Record>>>> _rows;

    private RecordFile(string path, bool durable)
    {
        _opened = Task.Run(() => Begin(path, durable));
        _rows = Task.Run(ReadRowsAsync);
    }

    /// <summary>Opens or makes the file. <paramref name="durable"/>: commits survive a power cut too.</summary>
    public static RecordFile Open(string path, bool durable) => new(path, durable);

    /// <summary>Waits until the file is open; its objects are not read yet.</summary>
    internal Task<OpenedFile> OpenedAsync() => _opened;

    /// <summary>All objects in the order of their references.</summary>
    internal async Task<List<Record>> RecordsAsync(Model model)
    {
        _model.TrySetResult(model);
        var all = new List<Record>();
        foreach (var batch in await _rows)
            all.AddRange(await batch);
        return all;
    }

    /// <summary>For one that no store was made of.</summary>
    public async ValueTask DisposeAsync()
    {
        _model.TrySetCanceled();
        try
        {
            var opened = await _opened;
            await Task.WhenAny(_rows);
            opened.File.Dispose();
        }
        catch (Exception e) when (e is StateVersionException or SqliteException or IOException)
        {
            // Whoever waited for the file was told.
        }
    }

    private static OpenedFile Begin(string path, bool durable)
    {
        var file = SqliteFile.Open(path, durable);
        try
        {
            var start = long.Parse(file.ReadMeta(Generation) ?? "0", CultureInfo.InvariantCulture) + 1;
            var reserved = start + GenerationBlock;
            file.Write([], [], [], [], new Dictionary<string, string> { [Generation] = reserved.ToString(CultureInfo.InvariantCulture) });
            var space = new SpaceReserve(path + ".reserve");
            space.Hold();
            return new(file, space, file.ReadIntents(), start, reserved);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Rows are read here and decoded beside, as soon as there is a model.</summary>
    private async Task<List<Task<List<Record>>>> ReadRowsAsync()
    {
        var opened = await _opened;
        var batches = new List<Task<List<Record>>>();
        var codecs = new Stack<RecordCodec>();
        opened.File.ReadRows(batch => batches.Add(DecodeAsync(batch)));
        return batches;

        async Task<List<Record>> DecodeAsync(RowBatch batch)
        {
            var model = await _model.Task;
            await Task.Yield();
            RecordCodec? codec;
            lock (codecs)
            {
                if (!codecs.TryPop(out codec))
                    codec = new();
            }

            var records = batch.Decode(model, codec);
            lock (codecs)
                codecs.Push(codec);
            return records;
        }
    }
}

/// <summary>What a store begins with: the open file, the space held back for it, interrupted operations, its first generation and the last that is reserved.</summary>
internal sealed record OpenedFile(SqliteFile File, SpaceReserve Space, IReadOnlyList<Intent> Intents, long Start, long Reserved);
