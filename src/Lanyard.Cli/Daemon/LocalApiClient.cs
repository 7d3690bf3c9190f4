using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Lanyard.Service;

namespace Lanyard.Cli.Daemon;

/// <summary>
/// Calls the local JSON API of a running service, Lanyard's or an existing node's. The service's folder contains the port and the token. The token is sent only to a
/// trusted listener: see <see cref="ApiConnection"/>.
/// </summary>
internal sealed class LocalApiClient : IDisposable
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    private readonly HttpClient _http;

    /// <summary>Reads the port and the token of a folder's service. Does not connect yet.</summary>
    /// <exception cref="CommandException">The folder contains no port or token.</exception>
    public LocalApiClient(string home)
    {
        var port = Read(home, ApiConnection.PortFileName, "No service runs on this folder. Start one with 'lanyard service', or choose another folder with --home.");
        var token = Read(home, ApiConnection.TokenFileName, "Using the service needs read permission for this file. Run the command as the user that runs the service.");
        if (!ushort.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number == 0)
            throw new CommandException(ExitCode.Failed, $"'{Path.Combine(home, ApiConnection.PortFileName)}' does not contain a port number. Restart the service.");
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            // Never follow a redirect with the token.
            AllowAutoRedirect = false,
            ConnectCallback = (_, cancellation) => ApiConnection.ConnectAsync(home, number, cancellation),
        };
        _http = new HttpClient(handler) { BaseAddress = new Uri($"http://127.0.0.1:{number}"), Timeout = Timeout };
        _http.DefaultRequestHeaders.TryAddWithoutValidation("X-ZT1-Auth", token);
    }

    /// <summary>Sends GET and returns the JSON response.</summary>
    /// <exception cref="CommandException">The service does not answer, or refuses.</exception>
    public Task<JsonElement> GetAsync(string path, CancellationToken cancellationToken) => SendAsync(HttpMethod.Get, path, null, cancellationToken);

    /// <summary>Sends GET and returns a response that is not JSON; null if the path does not exist.</summary>
    /// <exception cref="CommandException">The service does not answer.</exception>
    public async Task<string?> TryGetTextAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await _http.GetAsync(new Uri(path, UriKind.Relative), cancellationToken);
            return response.StatusCode == HttpStatusCode.OK ? await response.Content.ReadAsStringAsync(cancellationToken) : null;
        }
        catch (HttpRequestException failure)
        {
            throw Silent(failure);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw TooSlow();
        }
    }

    /// <summary>Sends POST and returns the JSON response.</summary>
    /// <exception cref="CommandException">The service does not answer, or refuses.</exception>
    public Task<JsonElement> PostAsync(string path, string json, CancellationToken cancellationToken) => SendAsync(HttpMethod.Post, path, json, cancellationToken);

    /// <summary>Sends DELETE and returns the JSON response.</summary>
    /// <exception cref="CommandException">The service does not answer, or refuses.</exception>
    public Task<JsonElement> DeleteAsync(string path, CancellationToken cancellationToken) => SendAsync(HttpMethod.Delete, path, null, cancellationToken);

    public void Dispose() => _http.Dispose();

    private async Task<JsonElement> SendAsync(HttpMethod method, string path, string? json, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, path);
        if (json is not null)
            request.Content = new StringContent(json, Encoding.UTF8, new MediaTypeHeaderValue("application/json"));
        try
        {
            using var response = await _http.SendAsync(request, cancellationToken);
            var body = await response.Content.ReadAsByteArrayAsync(cancellationToken);
            if (response.StatusCode != HttpStatusCode.OK)
                throw new CommandException(response.StatusCode == HttpStatusCode.Unauthorized ? ExitCode.Unreachable : ExitCode.Failed, Explain(response.StatusCode, body));
            using var document = JsonDocument.Parse(body);
            return document.RootElement.Clone();
        }
        catch (HttpRequestException failure)
        {
            throw Silent(failure);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw TooSlow();
        }
        catch (JsonException)
        {
            throw new CommandException(ExitCode.Failed, $"The program at {_http.BaseAddress!.Authority} is not a service of this kind: its response is not JSON.");
        }
    }

    private CommandException Silent(HttpRequestException failure) => new(ExitCode.Unreachable, failure.InnerException is UntrustedListenerException untrusted
        ? untrusted.Message
        : $"The service at {_http.BaseAddress!.Authority} does not answer: {failure.Message} Is it still running?");

    private CommandException TooSlow() =>
        new(ExitCode.Unreachable, $"The service at {_http.BaseAddress!.Authority} did not answer within {Timeout.TotalSeconds} s.");

    private static string Explain(HttpStatusCode status, byte[] body)
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"The service returned status {(int)status}.");
        try
        {
            using var document = JsonDocument.Parse(body);
            return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("error", out var error) && error.ValueKind == JsonValueKind.String
                ? error.GetString()!
                : text;
        }
        catch (JsonException)
        {
            return text;
        }
    }

    private static string Read(string home, string name, string advice)
    {
        var path = Path.Combine(home, name);
        try
        {
            return File.ReadAllText(path).Trim();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(ExitCode.Unreachable, $"Cannot read '{path}'. {advice}");
        }
    }
}
