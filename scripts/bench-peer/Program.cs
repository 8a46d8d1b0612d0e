// Reads each request and answers with a file's bytes: what Kestrel can do at most. usage: bench-peer FILE CONTENT-TYPE [FILE CONTENT-TYPE ...]
// The n-th file is the answer under /n. Prints its port.
using System.Net;

var builder = WebApplication.CreateEmptyBuilder(new());
builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
var app = builder.Build();
var answers = args.Chunk(2).Select(pair => (Bytes: File.ReadAllBytes(pair[0]), Type: pair[1])).ToArray();
app.Run(async http =>
{
    var reader = http.Request.BodyReader;
    while (true)
    {
        var read = await reader.ReadAsync();
        reader.AdvanceTo(read.Buffer.End);
        if (read.IsCompleted)
            break;
    }

    var (bytes, type) = answers[http.Request.Path.Value![1] - '0'];
    http.Response.ContentType = type;
    http.Response.ContentLength = bytes.Length;
    await http.Response.BodyWriter.WriteAsync(bytes);
});
await app.StartAsync();
Console.WriteLine(new Uri(app.Urls.First()).Port);
await app.WaitForShutdownAsync();
