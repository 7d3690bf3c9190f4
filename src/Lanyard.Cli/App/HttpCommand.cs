using System.CommandLine;
using System.Globalization;
using System.Text;

namespace Lanyard.Cli.App;

/// <summary><c>lanyard http</c>: sends an HTTP request over the LAN.</summary>
internal static class HttpCommand
{
    public static Command Create()
    {
        var url = new Argument<Uri>("URL")
        {
            Description = "URL, such as http://10.147.17.5:8080/path. The host is a virtual address, or a node address followed by a dot and the network ID.",
            CustomParser = result =>
            {
                var text = result.Tokens[0].Value;
                if (Uri.TryCreate(text.Contains("://", StringComparison.Ordinal) ? text : "http://" + text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https")
                    return uri;
                result.AddError($"'{text}' is not an http or https URL.");
                return null;
            },
        };
        var method = new Option<string?>("--request", "-X") { Description = "Request method (default: GET, or POST with data).", HelpName = "METHOD" };
        var data = new Option<string?>("--data", "-d") { Description = "Request body; @FILE for the content of a file, @- for standard input.", HelpName = "DATA" };
        var headers = new Option<string[]>("--header", "-H") { Description = "Request header, such as 'Accept: text/plain'. Can be repeated.", HelpName = "HEADER" };
        var include = new Option<bool>("--include", "-i") { Description = "Also print the status line and headers of the response." };
        var fail = new Option<bool>("--fail", "-f") { Description = "Exit with 1 and print no body if the status of the response is 400 or higher." };
        var maxTime = Parse.SecondsOption("--max-time", "Maximum duration of the request in seconds.", 300);
        var options = new AppOptions();
        var command = new CliCommand(
            "http", "Send an HTTP request over the LAN", "Writes the body of the response to standard output.",
            "lanyard http http://10.1.0.2/ --home a --network 8056c2e21c000001\nlanyard http http://10.1.0.2/items --data @item.json --fail --home a --network 8056c2e21c000001") { url, method, data, headers, include, fail, maxTime };
        options.AddTo(command);
        command.SetAction(async (result, cancellation) =>
        {
            using var request = new HttpRequestMessage(
                new HttpMethod(result.GetValue(method) ?? (result.GetValue(data) is null ? "GET" : "POST")), result.GetRequiredValue(url));
            request.Headers.UserAgent.ParseAdd("lanyard");
            if (result.GetValue(data) is { } given)
                request.Content = ToContent(given);
            foreach (var header in result.GetValue(headers) ?? [])
                AddHeader(request, header);
            await using var app = await options.StartAsync(result, cancellation);
            using var handler = app.Network.CreateHttpHandler();
            handler.AllowAutoRedirect = false;
            using var http = new HttpClient(handler) { Timeout = result.GetTime(maxTime) };
            return await SendAsync(http, request, result.GetValue(include), result.GetValue(fail), result.InvocationConfiguration.Error, cancellation);
        });
        return command;
    }

    private static async Task<int> SendAsync(
        HttpClient http, HttpRequestMessage request, bool include, bool fail, TextWriter error, CancellationToken cancellation)
    {
        try
        {
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
            if (fail && (int)response.StatusCode >= 400)
            {
                error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"The response has status {(int)response.StatusCode} {response.ReasonPhrase}."));
                return ExitCode.Failed;
            }

            await using var output = Console.OpenStandardOutput();
            if (include)
                await output.WriteAsync(Encoding.Latin1.GetBytes(Head(response)), cancellation);
            await response.Content.CopyToAsync(output, cancellation);
            await output.FlushAsync(cancellation);
            return ExitCode.Ok;
        }
        catch (HttpRequestException failure)
        {
            throw new CommandException(ExitCode.Unreachable, failure.InnerException?.Message ?? failure.Message);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new CommandException(ExitCode.Unreachable, $"No complete response arrived within {http.Timeout.TotalSeconds.ToString(CultureInfo.InvariantCulture)} s.");
        }
    }

    private static string Head(HttpResponseMessage response)
    {
        var head = new StringBuilder();
        head.Append(CultureInfo.InvariantCulture, $"HTTP/{response.Version} {(int)response.StatusCode} {response.ReasonPhrase}\r\n");
        foreach (var (name, values) in response.Headers.NonValidated.Concat(response.Content.Headers.NonValidated))
        {
            foreach (var value in values)
                head.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
        }

        return head.Append("\r\n").ToString();
    }

    private static ByteArrayContent ToContent(string given)
    {
        var content = new ByteArrayContent(given.StartsWith('@') ? Files.ReadBytes(given[1..]) : Encoding.UTF8.GetBytes(given));
        content.Headers.TryAddWithoutValidation("Content-Type", "application/x-www-form-urlencoded");
        return content;
    }

    private static void AddHeader(HttpRequestMessage request, string header)
    {
        var cut = header.IndexOf(':', StringComparison.Ordinal);
        if (cut <= 0)
            throw new CommandException(ExitCode.Usage, $"'{header}' is not a header such as 'Accept: text/plain'.");
        var (name, value) = (header[..cut].Trim(), header[(cut + 1)..].Trim());
        if (request.Headers.TryAddWithoutValidation(name, value))
            return;
        request.Content ??= new ByteArrayContent([]);
        request.Content.Headers.Remove(name);
        if (!request.Content.Headers.TryAddWithoutValidation(name, value))
            throw new CommandException(ExitCode.Usage, $"'{name}' is not a valid header name.");
    }
}
