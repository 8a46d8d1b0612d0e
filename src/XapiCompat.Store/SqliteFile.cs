using System.Globalization;
using SQLitePCL;

namespace XapiCompat.Store;

/// <summary>The SQLite file behind the records: one row per object, read once at start, written through at each commit. All SQL is here.</summary>
internal sealed class SqliteFile : IDisposable
{
    /// <summary>Raised whenever an older server could not read the file any more.</summary>
    public const int SchemaVersion = 1;

    private readonly SqliteDatabase _database;
    private readonly RecordCodec _codec = new();

    private SqliteFile(SqliteDatabase database) => _database = database;

    public static SqliteFile Open(string path, bool durable)
    {
        var database = SqliteDatabase.Open(path);
        try
        {
            // WAL: a commit is one append. NORMAL survives a killed process, FULL a power cut as well.
            database.Execute("PRAGMA journal_mode=WAL");
            database.Execute(durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
            var version = int.Parse(database.Text("PRAGMA user_version")!, CultureInfo.InvariantCulture);
            if (version > SchemaVersion)
                throw new StateVersionException(version, SchemaVersion);
            var file = new SqliteFile(database);
            if (version == 0)
                file.InTransaction(file.MakeTables);
            return file;
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    /// <summary>For a look beside a running server, or without one.</summary>
    public static SqliteFile OpenReadOnly(string path)
    {
        var database = SqliteDatabase.Open(path, write: false);
        try
        {
            var version = int.Parse(database.Text("PRAGMA user_version")!, CultureInfo.InvariantCulture);
            return version <= SchemaVersion ? new(database) : throw new StateVersionException(version, SchemaVersion);
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    public void Dispose() => _database.Dispose();

    /// <summary>Everything that SQLite finds wrong with the file; empty when it is sound.</summary>
    public IReadOnlyList<string> CheckIntegrity()
    {
        var problems = new List<string>();
        using var statement = _database.Prepare("PRAGMA integrity_check");
        while (_database.Step(statement))
        {
            if (raw.sqlite3_column_text(statement, 0).utf8_to_string() is var line and not "ok")
                problems.Add(line);
        }

        return problems;
    }

    /// <summary>Moves everything from the write-ahead log into the database file and syncs it to disk.</summary>
    public void Checkpoint() => _database.Execute("PRAGMA wal_checkpoint(TRUNCATE)");

    public string? ReadMeta(string name) => _database.Text("SELECT value FROM meta WHERE name = ?1", name);

    /// <summary>All objects in the order of their references, as they lie in the file; each batch is handed over once it is full.</summary>
    public void ReadRows(Action<RowBatch> take)
    {
        var batch = new RowBatch();
        using var statement = _database.Prepare("SELECT class, ref, created, modified, fields FROM objects ORDER BY ref");
        while (_database.Step(statement))
        {
            batch.Add(
                raw.sqlite3_column_blob(statement, 0),
                raw.sqlite3_column_text(statement, 1).utf8_to_string(),
                raw.sqlite3_column_int64(statement, 2),
                raw.sqlite3_column_int64(statement, 3),
                raw.sqlite3_column_blob(statement, 4));
            if (!batch.IsFull)
                continue;
            take(batch);
            batch = new RowBatch();
        }

        take(batch);
    }

    public List<Intent> ReadIntents()
    {
        var intents = new List<Intent>();
        using var statement = _database.Prepare("SELECT id, sr, operation, keys FROM intents ORDER BY id");
        while (_database.Step(statement))
        {
            intents.Add(new(
                raw.sqlite3_column_text(statement, 0).utf8_to_string(),
                raw.sqlite3_column_text(statement, 1).utf8_to_string(),
                raw.sqlite3_column_text(statement, 2).utf8_to_string(),
                raw.sqlite3_column_text(statement, 3).utf8_to_string() is { Length: > 0 } keys ? keys.Split('\n') : []));
        }

        return intents;
    }

    /// <summary>
    /// One transaction; nothing is written when there is nothing durable in it. Throws <see cref="StoreFullException"/>
    /// with nothing written when the file system is full.
    /// </summary>
    public void Write(
        IEnumerable<Record> written, IEnumerable<Record> deleted, IReadOnlyList<Intent> intents, IReadOnlyList<string> endedIntents, IReadOnlyDictionary<string, string> facts)
    {
        var upserts = written.Where(r => r.Class.Persistent).ToList();
        var deletes = deleted.Where(r => r.Class.Persistent).ToList();
        if (upserts.Count + deletes.Count + intents.Count + endedIntents.Count + facts.Count == 0)
            return;

        try
        {
            InTransaction(() => WriteAll(upserts, deletes, intents, endedIntents, facts));
        }
        catch (SqliteFailure e) when (e.Code == raw.SQLITE_FULL)
        {
            throw new StoreFullException(_database.Path, e);
        }
    }

    private void MakeTables()
    {
        _database.Execute("CREATE TABLE objects (ref TEXT PRIMARY KEY, class TEXT NOT NULL, uuid TEXT, created INTEGER NOT NULL, modified INTEGER NOT NULL, fields TEXT NOT NULL) WITHOUT ROWID");
        _database.Execute("CREATE TABLE intents (id TEXT PRIMARY KEY, sr TEXT NOT NULL, operation TEXT NOT NULL, keys TEXT NOT NULL) WITHOUT ROWID");
        _database.Execute("CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID");
        _database.Execute("PRAGMA user_version=" + SchemaVersion.ToString(CultureInfo.InvariantCulture));
    }

    private void WriteAll(List<Record> upserts, List<Record> deletes, IReadOnlyList<Intent> intents, IReadOnlyList<string> endedIntents, IReadOnlyDictionary<string, string> facts)
    {
        if (upserts.Count > 0)
            Upsert(upserts);
        foreach (var record in deletes)
            _database.Execute("DELETE FROM objects WHERE ref = ?1", record.Reference);
        foreach (var intent in intents)
            _database.Execute("INSERT INTO intents (id, sr, operation, keys) VALUES (?1, ?2, ?3, ?4)", intent.Id, intent.Sr, intent.Operation, string.Join('\n', intent.Keys));
        foreach (var id in endedIntents)
            _database.Execute("DELETE FROM intents WHERE id = ?1", id);
        foreach (var (name, value) in facts)
            _database.Execute("INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value", name, value);
    }

    /// <summary>One prepared statement for all; in the order of the key, so that thousands of rows fill page after page.</summary>
    private void Upsert(List<Record> records)
    {
        if (records.Count > 1)
            records.Sort((a, b) => string.CompareOrdinal(a.Reference, b.Reference));
        using var statement = _database.Prepare(
            "INSERT INTO objects (ref, class, uuid, created, modified, fields) VALUES (?1, ?2, ?3, ?4, ?5, ?6) " +
            "ON CONFLICT (ref) DO UPDATE SET uuid = excluded.uuid, modified = excluded.modified, fields = excluded.fields");
        foreach (var record in records)
        {
            _database.Check(raw.sqlite3_bind_text(statement, 1, record.Reference));
            _database.Check(raw.sqlite3_bind_text(statement, 2, record.Class.Name));
            _database.Check(record.Class.Find("uuid") is null ? raw.sqlite3_bind_null(statement, 3) : raw.sqlite3_bind_text(statement, 3, record.Uuid));
            _database.Check(raw.sqlite3_bind_int64(statement, 4, record.Created));
            _database.Check(raw.sqlite3_bind_int64(statement, 5, record.Modified));
            _database.Check(raw.sqlite3_bind_text(statement, 6, _codec.Encode(record)));
            _database.Step(statement);
            _database.Check(raw.sqlite3_reset(statement));
        }
    }

    /// <summary>SQLite rolls back by itself when it runs out of space.</summary>
    private void InTransaction(Action write)
    {
        _database.Execute("BEGIN IMMEDIATE");
        try
        {
            write();
            _database.Execute("COMMIT");
        }
        catch
        {
            if (_database.InTransaction)
                _database.Execute("ROLLBACK");
            throw;
        }
    }
}

/// <summary>The state was written by a newer server.</summary>
public sealed class StateVersionException(int found, int supported)
    : Exception($"the state was written by a newer version (format {found}, this server reads up to {supported})");

/// <summary>There is no space left for a commit.</summary>
internal sealed class StoreFullException(string path, Exception inner) : Exception("no space left for " + path, inner)
{
    public string Path { get; } = path;
}
