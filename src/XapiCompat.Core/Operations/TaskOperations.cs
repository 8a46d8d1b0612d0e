using XapiCompat.Store;

namespace XapiCompat.Core.Operations;

/// <summary>
/// What may be done with a task: it can be cancelled as long as it is pending and work of this server is behind it. A
/// task that a client made for itself has none until a transfer takes it.
/// </summary>
public static class TaskOperations
{
    /// <summary>The internal field that says so.</summary>
    public const string HasWork = "forwarded";

    public static IEnumerable<string> Allowed(IRecords records, Record task) =>
        task.Flag(HasWork) && task.Text("status") == "pending" ? ["cancel"] : [];
}
