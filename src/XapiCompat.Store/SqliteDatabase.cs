using SQLitePCL;

namespace XapiCompat.Store;

/// <summary>
/// One connection to a SQLite file, straight on its native library: a driver between would take longer to get going than the
/// whole server. For one thread at a time.
/// </summary>
internal sealed class SqliteDatabase : IDisposable
{
    private const int BusyMilliseconds = 30_000;

    private readonly sqlite3 _handle;

    private SqliteDatabase(string path, sqlite3 handle)
    {
        Path = path;
        _handle = handle;
    }

    public string Path { get; }

    /// <summary>False when SQLite has ended a transaction by itself.</summary>
    public bool InTransaction => raw.sqlite3_get_autocommit(_handle) == 0;

    public static SqliteDatabase Open(string path, bool write = true)
    {
        Batteries_V2.Init();
        var code = raw.sqlite3_open_v2(path, out var handle, write ? raw.SQLITE_OPEN_READWRITE | raw.SQLITE_OPEN_CREATE : raw.SQLITE_OPEN_READONLY, null);
        var database = new SqliteDatabase(path, handle);
        try
        {
            database.Check(code);
            database.Check(raw.sqlite3_busy_timeout(handle, BusyMilliseconds));
            return database;
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    /// <summary>A statement to be run many times; the caller disposes it.</summary>
    public sqlite3_stmt Prepare(string sql)
    {
        Check(raw.sqlite3_prepare_v2(_handle, sql, out var statement));
        return statement;
    }

    /// <summary>Runs one statement to its end; <paramref name="values"/> are its parameters in order.</summary>
    public void Execute(string sql, params ReadOnlySpan<string> values)
    {
        using var statement = Bound(sql, values);
        while (Step(statement))
        {
        }
    }

    /// <summary>The first column of the first row, or null.</summary>
    public string? Text(string sql, params ReadOnlySpan<string> values)
    {
        using var statement = Bound(sql, values);
        return Step(statement) ? raw.sqlite3_column_text(statement, 0).utf8_to_string() : null;
    }

    /// <summary>True when there is a row.</summary>
    public bool Step(sqlite3_stmt statement)
    {
        var code = raw.sqlite3_step(statement);
        if (code == raw.SQLITE_ROW)
            return true;
        Check(code == raw.SQLITE_DONE ? raw.SQLITE_OK : code);
        return false;
    }

    public void Check(int code)
    {
        if (code != raw.SQLITE_OK)
            throw new SqliteFailure(code & 0xff, raw.sqlite3_errmsg(_handle).utf8_to_string());
    }

    public void Dispose() => _handle.Dispose();

    private sqlite3_stmt Bound(string sql, ReadOnlySpan<string> values)
    {
        var statement = Prepare(sql);
        for (var i = 0; i < values.Length; i++)
            Check(raw.sqlite3_bind_text(statement, i + 1, values[i]));
        return statement;
    }
}

/// <summary>SQLite refused.</summary>
/// <param name="code">Its primary result code.</param>
internal sealed class SqliteFailure(int code, string message) : Exception("SQLite error " + code + ": " + message)
{
    public int Code { get; } = code;
}
