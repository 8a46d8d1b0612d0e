using System.Data;
using Dapper;
using Microsoft.Data.Sqlite;

namespace XapiCompat.Store;

/// <summary>
/// Parameters of one statement, given anew for each run of it. Dapper takes them as they are; for the properties of an object it
/// would generate code in each process, which takes longer than the rest of a small commit.
/// </summary>
internal sealed class StatementParameters : SqlMapper.IDynamicParameters
{
    private readonly SqliteParameter[] _parameters;

    public StatementParameters(params string[] names)
    {
        _parameters = new SqliteParameter[names.Length];
        for (var i = 0; i < names.Length; i++)
            _parameters[i] = new() { ParameterName = names[i] };
    }

    /// <summary>The same parameters with other values, in the order of their names.</summary>
    public StatementParameters With(params ReadOnlySpan<object?> values)
    {
        for (var i = 0; i < _parameters.Length; i++)
            _parameters[i].Value = values[i] ?? DBNull.Value;
        return this;
    }

    void SqlMapper.IDynamicParameters.AddParameters(IDbCommand command, SqlMapper.Identity identity)
    {
        foreach (var parameter in _parameters)
            command.Parameters.Add(parameter);
    }
}
